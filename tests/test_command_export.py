"""`python -m memory export`: a file on standard output, a folder with -o, and what it says of wrong input."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from memory.commands import main

Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: its exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(("export", *arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def talk(tmp_path: Path) -> str:
    """A conversation as OpenAI messages."""
    said = [("user", "My name is Ida."), ("assistant", "Hello Ida!"), ("user", "Who am I?"), ("assistant", "Ida.")]
    file = tmp_path / "talk.json"
    file.write_text(json.dumps([{"role": role, "content": text} for role, text in said]), "utf-8")
    return str(file)


@pytest.mark.parametrize("form", ["langchain", "langgraph", "middleware"])
def test_without_a_folder_the_file_is_printed(run: Run, form: str) -> None:
    code, out, err = run("window:k=3", "--as", form)
    assert (code, err) == (0, "")
    compile(out, "agent.py", "exec")
    assert "K = 3" in out.splitlines()


@pytest.mark.parametrize("form", ["langchain", "langgraph", "middleware"])
def test_what_is_printed_runs_without_a_key(run: Run, tmp_path: Path, form: str) -> None:
    _, out, _ = run("window:k=3", "--as", form)
    (tmp_path / "agent.py").write_text(out, "utf-8")
    done = subprocess.run(
        [sys.executable, "-P", str(tmp_path / "agent.py")],
        input="My name is Alex.\nWhat is my name?\n",
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT) if form == "middleware" else ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # The demo model answers out of its prompt, the echo says the last message.
    assert done.stdout.splitlines()[-1] == ("Your name is Alex." if form == "middleware" else "What is my name?")


def test_with_a_folder_the_test_replays_the_conversation_that_is_given(run: Run, tmp_path: Path, talk: str) -> None:
    folder = tmp_path / "new" / "folder"
    code, out, err = run("window:k=1", "--as", "langgraph", "-o", str(folder), "--conversation", talk)
    assert (code, err) == (0, "")
    names = ["agent.py", "requirements.txt", "test_agent.py", "conversation.json"]
    assert out.splitlines() == [str(folder / name) for name in names]
    rows = json.loads((folder / "conversation.json").read_text("utf-8"))["turns"]
    assert [row["human"]["content"] for row in rows] == ["My name is Ida.", "Who am I?"]
    assert rows[1]["prompt"] == [["human", "My name is Ida."], ["ai", "Hello Ida!"], ["human", "Who am I?"]]


def test_what_is_not_in_the_test_is_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "talk.txt"
    file.write_text("User: Hello!\nAI: Hi.\nUser: Anybody there?\n", "utf-8")
    code, _, err = run("window", "--as", "langgraph", "-o", str(tmp_path / "out"), "--conversation", str(file))
    assert code == 0
    assert err == "Not in the test: 1 turn in which one side is silent.\n"


def test_no_file_is_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text("mine", "utf-8")
    code, _, err = run("window", "--as", "langgraph", "-o", str(tmp_path))
    assert code == 2
    assert (
        err == f"python -m memory: {tmp_path / 'agent.py'}: it is there already: name another folder, or move it away\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["agent.py"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("windw", "--as", "langgraph"), "did you mean 'window'?"),
        (("window:l=3", "--as", "langgraph"), "ConversationBufferWindowMemory has no setting 'l'"),
        (("entity", "--as", "langchain"), "take --as middleware, or --as langgraph, which import it"),
        (("window", "--as", "langgraph", "--model", "opnai:gpt-5"), "did you mean openai:gpt-5?"),
        (("window", "--as", "langgraph", "--conversation", "x.json"), "name a folder for it with -o"),
        (("window", "--as", "crewai"), "invalid choice: 'crewai'"),
        (("window",), "required: --as"),
        (("window", "--as", "langgraph", "-o", "OUT", "--conversation", "none.json"), "none.json: no such file"),
    ],
)
def test_wrong_input_is_one_line_with_the_remedy(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(*(str(tmp_path / "out") if one == "OUT" else one for one in arguments))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert said in err


def test_a_file_with_several_conversations_is_refused(run: Run, tmp_path: Path, talk: str) -> None:
    said = json.loads(Path(talk).read_text("utf-8"))
    several = tmp_path / "several.json"
    several.write_text(json.dumps([{"messages": said}, {"messages": said}]), "utf-8")
    code, _, err = run("window", "--as", "langgraph", "-o", str(tmp_path / "out"), "--conversation", str(several))
    assert code == 2
    assert "holds 2 conversations" in err
    first = re.findall(r"--conversation '(.+)'", err)[0]
    code, out, _ = run("window", "--as", "langgraph", "-o", str(tmp_path / "out"), "--conversation", first)
    assert code == 0
    assert "conversation.json" in out
    code, _, err = run("window", "--as", "langgraph", "-o", str(tmp_path / "no"), "--conversation", f"{several}#none")
    assert code == 2
    assert "there is no such conversation; " in err


def test_a_file_whose_own_name_has_the_sign_is_read_as_it_is(run: Run, tmp_path: Path, talk: str) -> None:
    named = tmp_path / "talk#1.json"
    named.write_text(Path(talk).read_text("utf-8"), "utf-8")
    code, _, err = run("window", "--as", "langgraph", "-o", str(tmp_path / "out"), "--conversation", str(named))
    assert (code, err) == (0, "")


def test_a_folder_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    code, _, err = run("window", "--as", "langgraph", "-o", str(tmp_path / "file"))
    assert code == 2
    assert "name a folder that can be written" in err
