"""`python -m memory lint`: its exit codes, its table, its JSON, and what it says of wrong input.

python -m pytest tests/test_command_lint.py
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from memory.commands import main
from memory.commands._lint_table import written
from memory.lint.report import Check, Report
from tests.memory.lint_talk import talk
from tests.openai_server import openai_server

Run = Callable[..., tuple[int, str, str]]
CLASSIC = "classic:ConversationSummaryBufferMemory(max_token_limit=60)"


class Strict(BaseModel):
    """No key more or less, and no type but its own."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CheckOf(Strict):
    id: str
    rule: int
    name: str
    verdict: Literal["holds", "broken", "not known"]
    evidence: str
    turns: list[int]
    sent: int | None
    limit: int | None
    diff: str


class RunOf(Strict):
    memory: str
    made_by: Literal["ours", "LangChain"]
    history: Literal["Redis", "in memory"] | None
    settings: dict[str, Any]
    turns: int
    tried: int
    stopped: str | None
    holds: int
    broken: int
    not_known: int
    checks: list[CheckOf]


class ConversationOf(Strict):
    id: str
    turns: int
    messages: int


class Result(Strict):
    conversation: ConversationOf
    runs: list[RunOf]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: its exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def file(tmp_path: Path) -> str:
    rows = [
        {"role": role, "content": text}
        for turn in talk(12)
        for role, text in (("user", turn.human), ("assistant", turn.ai))
    ]
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(rows))
    return str(path)


def test_a_memory_that_keeps_the_rules_ends_with_0_and_a_line_for_each(run: Run, file: str) -> None:
    code, out, err = run("lint", file, "--memory", "window:k=3")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert ", 12 turns: ConversationBufferWindowMemory(k=3, step=1): " in lines[0]
    assert "0 broken" in lines[0]
    assert "  holds       1  The transcript stays as it was" in out
    assert "not known  12" in out
    assert "\033" not in out


def test_a_broken_one_ends_with_1_and_the_evidence(run: Run, file: str) -> None:
    code, out, err = run("lint", file, "--memory", "window:k=3", "--memory", CLASSIC)
    assert (code, err) == (1, "")
    assert "ConversationSummaryBufferMemory(max_token_limit=60) of LangChain over Redis" in out
    assert "ConversationSummaryBufferMemory(max_token_limit=60) of LangChain over a history in memory" in out
    broken = [line for line in out.splitlines() if line.startswith("  broken")]
    assert any("tokens were sent of 60" in line for line in broken)
    assert any("A restart loses nothing" in line for line in broken)
    assert any("in nothing that it sends or asked later" in line for line in broken)


def test_json_has_every_check_of_every_memory(run: Run, file: str, tmp_path: Path) -> None:
    code, out, _ = run("lint", file, "--memory", "token_buffer:max_token_limit=40", "--memory", CLASSIC, "--json", "-")
    assert code == 1
    result = Result.model_validate_json(out)
    assert (result.conversation.turns, result.conversation.messages) == (12, 24)
    assert [(one.made_by, one.history) for one in result.runs] == [
        ("ours", None),
        ("LangChain", "Redis"),
        ("LangChain", "in memory"),
    ]
    ours, redis, _ = result.runs
    assert ours.broken == 0
    assert ours.settings == {"max_token_limit": 40}
    limit = next(check for check in redis.checks if check.id == "limit")
    assert (limit.verdict, limit.limit) == ("broken", 60)
    assert limit.sent
    assert limit.sent > 60
    assert all(0 <= turn < 12 for one in result.runs for check in one.checks for turn in check.turns)
    for one in result.runs:
        assert one.holds + one.broken + one.not_known == len(one.checks)
    target = tmp_path / "found.json"
    code, printed, _ = run("lint", file, "--memory", "window", "--json", str(target))
    assert (code, printed) == (0, "")
    assert Result.model_validate_json(target.read_text()).runs[0].memory == "ConversationBufferWindowMemory"


def test_a_vector_store_memory_of_langchain_is_caught_at_its_clear(run: Run, file: str) -> None:
    code, out, _ = run("lint", file, "--memory", "classic:VectorStoreRetrieverMemory")
    assert code == 1
    assert any(line.startswith("  broken      7  What is cleared is gone") for line in out.splitlines())


def test_turns_and_a_budget_narrow_what_is_tried(run: Run, file: str) -> None:
    code, out, _ = run("lint", file, "--memory", "buffer", "--turns", "2:6", "--budget", "30", "--json", "-")
    assert code == 0
    found = Result.model_validate_json(out)
    assert found.conversation.turns == 4
    limit = next(check for check in found.runs[0].checks if check.id == "limit")
    assert limit.limit == 30
    assert limit.sent
    assert limit.sent <= 30


def test_a_file_with_several_conversations_gives_each(run: Run, tmp_path: Path) -> None:
    chats = [
        {"sample_id": f"conv-{number}", "qa": [], "conversation": {
            "speaker_a": "Ann", "speaker_b": "Ben", "session_1_date_time": "1:00 pm on 8 May, 2023",
            "session_1": [{"speaker": "Ann", "dia_id": "D1:1", "text": "I bought a turquoise bicycle."},
                          {"speaker": "Ben", "dia_id": "D1:2", "text": "Turquoise, how nice."}]}}
        for number in (1, 2)
    ]  # fmt: skip
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps(chats))
    code, out, _ = run("lint", str(path), "--memory", "window", "--json", "-")
    assert code == 0
    assert [Result.model_validate(one).conversation.id for one in json.loads(out)["conversations"]] == [
        "conv-1",
        "conv-2",
    ]
    code, out, _ = run("lint", str(path), "--memory", "window", "--conversation", "conv-2")
    assert (code, out.count("turn:")) == (0, 1)
    assert out.startswith("conv-2, 1 turn: ")


def test_the_memory_s_own_calls_go_to_the_model_that_is_named(
    run: Run, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with openai_server() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-lint-1234567890")
        code, out, _ = run("lint", file, "--memory", "summary", "--memory-model", "openai:echo", "--json", "-")
    assert code == 0
    checks = {check.id: check for check in Result.model_validate_json(out).runs[0].checks}
    assert checks["calls"].evidence.startswith("12 calls (summary) with ")
    assert "sk-lint" not in out
    # What was answered once is known in the other runs, and those that were made to fail reached nobody.
    asked = [json.dumps(request.body["messages"]) for request in server.requests]
    assert len(asked) == len(set(asked)) <= 12 + 2 + 12


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--memory is missing"),
        (["--memory", "windw"], "did you mean 'window'?"),
        (["--memory", "window:kk=1"], "did you mean 'k'?"),
        (["--memory", "classic:ConversationTokenBuferMemory()"], "did you mean 'ConversationTokenBufferMemory'?"),
        (["--memory", "classic:ConversationTokenBufferMemory(max_tokens=5)"], "did you mean 'max_token_limit'?"),
        (["--memory", "classic:ConversationTokenBufferMemory(max_token_limit=open('/etc/passwd'))"], "no plain value"),
        (["--memory", "window", "--turns", "9:3"], "--turns 9:3"),
        (["--memory", "window", "--turns", "50:"], "leaves no turn"),
        (["--memory", "window", "--budget", "-1"], "--budget -1"),
        (["--memory", "window", "--memory-model", "gpt"], "--memory-model gpt"),
        (["--memory", "window", "--embeddings", "nope"], "--embeddings nope"),
        (["--memory", "window", "--json", "/nowhere/at/all.json"], "/nowhere/at/all.json"),
    ],
)
def test_wrong_input_ends_with_2_and_one_line(run: Run, file: str, arguments: list[str], words: str) -> None:
    code, out, err = run("lint", file, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_a_file_that_is_not_there_ends_with_2(run: Run) -> None:
    code, _, err = run("lint", "nowhere.json", "--memory", "window")
    assert (code, err.count("\n")) == (2, 1)
    assert "nowhere.json" in err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report(said: str) -> Report:
    checks = (Check("limit", "holds", "so"), Check("read", "broken", said), Check("growth", "not known", "short"))
    return Report("SomeMemory", {"k": 3}, 5, checks)


def test_on_a_terminal_words_have_colours_unless_nobody_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    shown = written("talk", report("it is broken " * 20), Terminal())
    assert "\033[32mholds\033[0m" in shown
    assert "\033[31mbroken\033[0m" in shown
    assert max(len(line) for line in shown.splitlines()) < 115
    monkeypatch.setenv("COLUMNS", "60")
    assert max(len(line) for line in written("talk", report("it is broken " * 20), Terminal()).splitlines()) <= 80
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in written("talk", report("x"), Terminal())


def test_nothing_that_was_said_steers_the_terminal() -> None:
    shown = written("talk\x1b[2J", report("turn 1 said \x1b]0;title\x07\nand a second line"), io.StringIO())
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert len(shown.splitlines()) == 5


def test_it_runs_as_a_module_without_a_warning(file: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-m", "memory", "lint", file, "--memory", "classic:ConversationBufferMemory"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "over Redis" in ended.stdout
