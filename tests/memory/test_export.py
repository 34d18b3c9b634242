"""Every exported file runs, sends the prompts that this project sends, and its test can fail."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.base import Memory, Message, Recall, Turn
from memory.catalog import load
from memory.common.summarize import INSTRUCTIONS
from memory.errors import BadInput
from memory.export import FORMS, export, main_file, sample, stands_alone
from memory.export.literals import constants, literal
from memory.export.rules import rule_of

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("export_runner.py")
# Tight, so that each memory forgets something of the sample.
TIGHT = {
    "window": "window:k=2,step=2",
    "token_buffer": "token_buffer:max_token_limit=150",
    "summary": "summary:summarize_step=2",
    "summary_buffer": "summary_buffer:max_token_limit=160",
    "summarization": "summarization:trigger=120,keep=4",
    "simple": 'simple:memories={"name":"Alex \\"A\\"","city":"Oslo\\nNorway"}',
    "entity": "entity:k=1",
    "kg": "kg:k=1",
    "vector": "vector:k=2",
    "vector_token_buffer": "vector_token_buffer:max_token_limit=140",
    "time_weighted": "time_weighted:k=2",
    "attention": "attention:max_token_limit=90,search=hybrid",
    "combined": "combined:memories=window(k=1)+vector(k=2)+summary",
}
DISTRIBUTIONS = packages_distributions()
ALONE = {
    "none",
    "buffer",
    "window",
    "token_buffer",
    "summary",
    "summary_buffer",
    "summarization",
    "simple",
    "last_input",
}
MEMORIES = {cls.short: load().memory(TIGHT.get(cls.short, cls.short)) for cls in load().memories.values()}
POSSIBLE = [(short, form) for short in MEMORIES for form in FORMS if form != "langchain" or short in ALONE]


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return folder


SILENT = ("NoMemory", "ProceduralMemory", "KnowledgeMemory", "EpisodicMemory", "MultimodalMemory")
"""The memories that recall nothing of the sample."""


def mutated(main: str) -> str:
    """Change what the memory recalls, and nothing else."""
    if "def recall(" in main:
        other = "from langchain_core.messages import HumanMessage as Forged\n\n\n"
        other += "def recall(*_):\n    return [Forged('not said')]\n\n\n"
        return main.replace('if __name__ == "__main__":', f'{other}if __name__ == "__main__":')
    silent = any(f'"{name}"' in main for name in SILENT)
    to = '"ConversationBufferMemory", {}' if silent else '"NoMemory", {}'
    return re.sub(r"load\(\)\.make\(.*?\)\n", f"load().make({to})\n", main, count=1, flags=re.DOTALL)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every memory in every form that it has, in a folder each; beside it one whose file was changed."""
    folder = tmp_path_factory.mktemp("exported")
    for short, form in POSSIBLE:
        files = export(MEMORIES[short], form, sample()).files
        write(folder / f"{short}-{form}", files)
        write(folder / f"{short}-{form}-changed", {**files, "agent.py": mutated(files["agent.py"])})
    return folder


class Runs:
    """The tests of some folders, running one after the other far from this checkout; ask it for the end of each."""

    def __init__(self, folders: list[Path], alone: bool, home: Path, more: Mapping[str, str] | None = None) -> None:
        kept = {"PATH": os.environ["PATH"], "HOME": str(home), "MEMORY_INSPECTOR_HOME": str(home), **(more or {})}
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(RUNNER), *map(str, folders)],
            env={
                **kept,
                "PYTHONPATH": "" if alone else str(ROOT),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._ended: dict[str, tuple[int, str]] = {}

    def of(self, name: str) -> tuple[int, str]:
        """Return the exit code of a folder's test and what it printed; waits for it."""
        return self._ended[name] if name in self._ended else self._read(name)

    def last_line(self) -> str:
        """Return what the process said at its end."""
        return self._read("")[1].strip()

    def _read(self, name: str) -> tuple[int, str]:
        assert self._process.stdout
        said = ""
        for line in self._process.stdout:
            if line.startswith("RAN "):
                _, folder, code = line.split()
                self._ended[Path(folder).name] = int(code), said
                if Path(folder).name == name:
                    return int(code), said
                said = ""
            else:
                said += line
        assert not name, said
        return 0, said

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="session")
def runs(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Runs]]:
    """The tests of all folders, with this package and without it, side by side."""
    groups: dict[bool, list[Path]] = {True: [], False: []}
    for short, form in POSSIBLE:
        for name in (f"{short}-{form}", f"{short}-{form}-changed"):
            groups[stands_alone(MEMORIES[short], form)].append(exported / name)
    running = {alone: Runs(folders, alone, tmp_path_factory.mktemp("home")) for alone, folders in groups.items()}
    yield running
    for one in running.values():
        one.close()


@pytest.mark.parametrize(("short", "form"), POSSIBLE)
def test_an_exported_file_sends_the_prompts_that_are_sent_here(runs: dict[bool, Runs], short: str, form: str) -> None:
    code, said = runs[stands_alone(MEMORIES[short], form)].of(f"{short}-{form}")
    assert code == 0, said
    assert "1 passed" in said


@pytest.mark.parametrize(("short", "form"), POSSIBLE)
def test_its_test_fails_where_something_else_is_recalled(runs: dict[bool, Runs], short: str, form: str) -> None:
    code, said = runs[stands_alone(MEMORIES[short], form)].of(f"{short}-{form}-changed")
    assert code == 1, said
    assert "assert sent == row" in said or "AssertionError" in said


def test_what_stands_alone_imports_nothing_of_this_package(runs: dict[bool, Runs]) -> None:
    assert runs[True].last_line() == "ALONE"
    assert runs[False].last_line() == "MEMORY"


def test_what_is_written_is_clean_and_formatted(exported: Path) -> None:
    for check in (["format", "--check"], ["check", "--select", "E,W,F,B,UP,SIM,C4"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", check[0], "--isolated", "--no-cache", *check[1:], str(exported)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        # What was changed for the sake of these tests is no example.
        wrong = [line for line in done.stdout.splitlines() if ".py" in line and "-changed" not in line]
        assert wrong == []


@pytest.mark.parametrize(("short", "form"), POSSIBLE)
def test_requirements_are_pinned_as_here_and_name_all_that_is_imported(exported: Path, short: str, form: str) -> None:
    folder = exported / f"{short}-{form}"
    pinned = {line for line in (folder / "requirements.txt").read_text("utf-8").splitlines() if "==" in line}
    here = (ROOT / "requirements.txt").read_text("utf-8") + (ROOT / "requirements-dev.txt").read_text("utf-8")
    for line in pinned:
        # LangGraph comes with LangChain, which says which versions of it there may be.
        assert line in here.splitlines() or line.startswith("langgraph==")
    code = (folder / "agent.py").read_text("utf-8") + (folder / "test_agent.py").read_text("utf-8")
    tops = set(re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE)) - {"agent", "memory"}
    names = {line.partition("==")[0] for line in pinned}
    for top in tops - set(sys.stdlib_module_names):
        assert names & set(DISTRIBUTIONS[top]), top
    assert ("memory" in re.findall(r"^from (\w+)", code, re.MULTILINE)) != stands_alone(MEMORIES[short], form)


@pytest.mark.parametrize("short", sorted(ALONE))
def test_short_rules_stand_alone_on_langgraph_and_langchain(short: str) -> None:
    assert rule_of(MEMORIES[short])
    for form in ("langgraph", "langchain"):
        assert stands_alone(MEMORIES[short], form)
    assert not stands_alone(MEMORIES[short], "middleware")


@pytest.mark.parametrize("short", sorted(set(MEMORIES) - ALONE))
def test_a_form_that_cannot_be_is_refused_with_the_reason_and_those_that_can(short: str) -> None:
    with pytest.raises(BadInput, match=r"--as langchain: .*; take --as middleware, or --as langgraph, which import it"):
        main_file(MEMORIES[short], "langchain")


def test_settings_are_named_constants() -> None:
    text = main_file(load().memory("summary_buffer:max_token_limit=200"), "langgraph", "openai:gpt-5-mini")
    for line in (
        'MODEL = os.environ.get("MODEL", "openai:gpt-5-mini")',
        "MAX_TOKEN_LIMIT = 200",
        "SUMMARIZE_BLOCK = 50",
        "MAX_SUMMARY = 50",
    ):
        assert line in text.splitlines()
    assert "K = 7" in main_file(load().memory("vector:k=7"), "middleware").splitlines()


def test_the_prompt_of_a_summary_is_ours() -> None:
    names: dict[str, str] = {}
    text = main_file(load().memory("summary"), "langgraph")
    found = re.search(r"^SUMMARY_PROMPT = \(.*?^\)", text, re.DOTALL | re.MULTILINE)
    assert found
    exec(found[0], names)
    assert names["SUMMARY_PROMPT"] == INSTRUCTIONS


def test_a_models_own_tokenizer_counts_and_its_package_is_required() -> None:
    memory = load().memory("token_buffer")
    assert 'get_encoding("cl100k_base")' in main_file(memory, "langgraph", "openai:gpt-4")
    assert 'get_encoding("o200k_base")' in main_file(memory, "langgraph")
    needed = export(memory, "langgraph", sample(), "openai:gpt-4").files["requirements.txt"]
    assert re.search(r"^langchain-openai==", needed, re.MULTILINE)
    needed = export(memory, "langgraph", sample(), "anthropic:claude-opus-5").files["requirements.txt"]
    assert "langchain-anthropic" in needed.splitlines()


@settings(max_examples=60)
@given(
    st.recursive(
        st.text() | st.integers() | st.none() | st.booleans(),
        lambda some: st.dictionaries(st.text(), some, max_size=3),
        max_leaves=4,
    )
)
def test_any_setting_is_written_as_the_value_that_it_is(value: object) -> None:
    names: dict[str, object] = {}
    exec(constants({"setting": value}), names)
    assert names["SETTING"] == value


def test_hostile_settings_are_values_and_no_code(tmp_path: Path) -> None:
    hostile = [
        '"""\nimport os\nos.abort()',
        "'); raise SystemExit(#",
        "\\",
        "{braces}",
        "\ud800\x00\x1b\u2028",
        "%s {0}",
    ]
    facts = {f"fact {place} {text}": text for place, text in enumerate(hostile)}
    memory = load().make("SimpleMemory", {"memories": facts})
    for form in FORMS:
        text = main_file(memory, form, '"); raise SystemExit("')
        file = write(tmp_path / form, {"agent.py": text}) / "agent.py"
        compile(text, str(file), "exec")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--check", str(tmp_path)], timeout=120
    )
    assert done.returncode == 0


def test_the_sample_has_a_fact_that_is_asked_for_and_one_that_is_contradicted() -> None:
    said = "\n".join(turn.human for turn in sample().turns)
    assert "live in Oslo" in said
    assert "moved to Lisbon" in said
    assert len({turn.at for turn in sample().turns}) == len(sample().turns)


def turn(index: int, *messages: tuple[str, str]) -> Turn:
    made = tuple(Message(role, text) for role, text in messages)  # type: ignore[arg-type]
    return Turn(f"t{index}", made, index=index)


def test_a_turn_is_asked_and_answered_once_and_what_is_left_out_is_told() -> None:
    calls = ({"name": "look_up", "args": {}, "id": "c1"},)
    turns = (
        turn(0, ("human", "One"), ("human", "Two"), ("ai", "Three"), ("ai", "Four")),
        turn(1, ("ai", "Nobody asked")),
        turn(2, ("human", "Nobody answers")),
        Turn(
            "t3",
            (
                Message("human", "Look it up"),
                Message("ai", "", tool_calls=calls),
                Message("tool", "so", tool_call_id="c1"),
                Message("ai", "So it is"),
            ),
            index=3,
        ),
    )
    found = export(MEMORIES["buffer"], "langgraph", replace(sample(), turns=turns))
    rows = json.loads(found.files["conversation.json"])["turns"]
    assert [(row["human"]["content"], row["ai"]["content"]) for row in rows] == [
        ("One\nTwo", "Three\nFour"),
        ("Look it up", "So it is"),
    ]
    assert found.notices == (
        "Not in the test: 2 turns in which one side is silent.",
        "Not in the test: 1 call of tools, as yours would run.",
    )
    with pytest.raises(BadInput, match="no turn in which both sides speak"):
        export(MEMORIES["buffer"], "langgraph", replace(sample(), turns=turns[1:3]))


def test_a_turn_that_ours_shortens_is_refused_where_a_file_on_its_own_would_not() -> None:
    memory = load().memory("token_buffer:max_token_limit=40")
    with pytest.raises(BadInput, match="had to shorten"):
        export(memory, "langgraph", sample())
    assert export(memory, "middleware", sample()).files


PLUG_IN = """
from memory.base import Item, Memory, Recall
from memory.tokens import count_tokens


class Shouting(Memory):
    short = "shouting"
    label = "Shouting"
    keeps = "the last message, loudly"
    forgets = "all else"
    costs = "a message"

    def read(self, state, transcript, query, services, budget):
        text = transcript[-1].human.upper() if transcript else ""
        size = count_tokens(text, services.encoding)
        return Recall((Item("loud:1", "memory", "it was said last", size, text=text),) if text else ())
"""


@pytest.mark.parametrize("form", ["langgraph", "middleware"])
def test_a_memory_of_ones_own_is_exported_with_its_folder_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    (tmp_path / "plug_ins").mkdir()
    (tmp_path / "plug_ins" / "shouting.py").write_text(PLUG_IN, "utf-8")
    monkeypatch.setenv("MEMORY_PLUGINS", str(tmp_path / "plug_ins"))
    files = export(load().memory("shouting"), form, sample()).files
    assert "MEMORY_PLUGINS" in files["agent.py"]
    assert str(tmp_path) not in "".join(files.values())
    runs = Runs([write(tmp_path / "out", files)], False, tmp_path, {"MEMORY_PLUGINS": str(tmp_path / "plug_ins")})
    try:
        code, said = runs.of("out")
    finally:
        runs.close()
    assert code == 0, said
    with pytest.raises(BadInput, match="take --as middleware"):
        main_file(load().memory("shouting"), "langchain")


def test_a_plug_ins_words_cannot_end_the_docstring() -> None:
    class Hostile(type(MEMORIES["window"])):  # type: ignore[misc]
        keeps = 'x"""\nraise SystemExit\n"""\\'

    memory: Memory = Hostile()
    compile(main_file(memory, "middleware"), "agent.py", "exec")


@pytest.mark.parametrize("form", ["langgraph", "middleware"])
def test_a_plug_ins_setting_takes_no_name_that_the_file_has_already(form: str) -> None:
    class Named(Memory):
        short, label, keeps, forgets, costs = "named", "Named", "nothing", "all", "nothing"
        stateful = retrieves = True

        class Settings(Memory.Settings):
            model: str = "one"
            memory_model: str = "two"
            instructions: str = "three"
            embeddings: str = "four"
            start: int = 5
            setting_model: str = "six"

        def read(self, *_: object) -> Recall:
            return Recall()

    written = main_file(Named(), form, "openai:gpt-5-mini")
    compile(written, "agent.py", "exec")
    names = [line.partition(" = ")[0] for line in written.splitlines() if re.match(r"[A-Z_]+ = ", line)]
    assert sorted(names) == sorted(set(names))
    assert 'MODEL = os.environ.get("MODEL", "openai:gpt-5-mini")' in written.splitlines()
    assert 'SETTING_MODEL = "one"' in written.splitlines()
    for name in ("model", "memory_model", "instructions", "embeddings", "start"):
        assert f'"{name}": SETTING_{name.upper()},' in written
    assert '"setting_model": SETTING_SETTING_MODEL,' in written


def test_a_literal_is_written_as_ruff_would_write_it() -> None:
    assert literal("plain") == '"plain"'
    assert literal('say "hi"') == "'say \"hi\"'"
    assert literal("it's") == '"it\'s"'
    assert literal({}) == "{}"
