"""`python -m memory replay`: its JSON as the contract has it, its table, and what it says of wrong input."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from memory.commands import main
from memory.commands._table import Progress, table
from memory.errors import ModelFailed

Run = Callable[..., tuple[int, str, str]]


class Strict(BaseModel):
    """No key more or less, and no type but its own; money is a string."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Sent(Strict):
    type: Literal["system", "human", "ai", "tool"]
    content: str
    segment: Literal["instructions", "memory", "history", "query"]
    item: str
    tokens: int


class Tokens(Strict):
    total: int
    instructions: int
    memory: int
    history: int
    query: int


class Left(Strict):
    turns: list[int]
    why: str


class Reply(Strict):
    text: str
    recorded: bool
    tool_calls: list[dict[str, Any]]


class OwnCall(Strict):
    purpose: str
    input_tokens: int
    output_tokens: int
    cost: str | None
    seconds: float


class TurnOf(Strict):
    index: int
    prompt: list[Sent]
    tokens: Tokens
    left_out: list[Left]
    reply: Reply
    cached_tokens: int
    cost: str | None
    cost_uncached: str | None
    calls: list[OwnCall]


class TotalsOf(Strict):
    input_tokens: int
    output_tokens: int
    cost: str | None
    cost_uncached: str | None
    seconds: float


class MissingOf(Strict):
    message: str
    why: str


class Asked(Strict):
    question: str
    category: int | str | None
    evidence: list[str]
    in_prompt: list[str]
    missing: list[MissingOf]
    tokens: int
    prompt: list[Sent]
    answer: str | None


class Category(Strict):
    recall: float
    full: float
    n: int


class Evidence(Strict):
    recall: float | None
    full: float | None
    tokens: float | None
    by_category: dict[str, Category]


class RunOf(Strict):
    memory: str
    settings: dict[str, Any]
    turns: list[TurnOf]
    totals: TotalsOf
    questions: list[Asked]
    evidence: Evidence
    evidence_by_overlap: float | None


class Head(Strict):
    id: str
    turns: int
    messages: int
    questions: int
    unknown_evidence: int


class Conversation(Strict):
    conversation: Head
    runs: list[RunOf]


def locomo(*ids: str, turns: int = 6) -> list[dict[str, Any]]:
    """Make a file as LoCoMo's: two sessions, questions of three categories, one id that is nobody's."""
    samples = []
    for id in ids:
        sessions: dict[str, Any] = {"speaker_a": "Ann", "speaker_b": "Ben"}
        for session in (1, 2):
            sessions[f"session_{session}_date_time"] = f"1:56 pm on {session} May, 2023"
            sessions[f"session_{session}"] = [
                {
                    "speaker": "Ben" if place % 2 else "Ann",
                    "dia_id": f"D{session}:{place + 1}",
                    "text": f"Thing{session}{place} was seen in the garden.",
                }
                for place in range(turns)
            ]
        asked = [
            {"question": "Where was thing10?", "answer": "in the garden", "category": 1, "evidence": ["D1:1"]},
            {"question": "What was seen?", "answer": "things", "category": 2, "evidence": ["D2:6; D1:1", "D9:9"]},
            {"question": "Who flew?", "adversarial_answer": "Ben", "category": 5, "evidence": []},
        ]
        samples.append({"sample_id": id, "conversation": sessions, "qa": asked})
    return samples


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: its exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(("replay", *arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def two(tmp_path: Path) -> str:
    return write(tmp_path, locomo("conv-1", "conv-2"), "two.json")


@pytest.fixture
def one(tmp_path: Path) -> str:
    return write(tmp_path, locomo("conv-1"), "one.json")


def write(folder: Path, value: Any, name: str) -> str:
    file = folder / name
    file.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return str(file)


def test_the_json_is_that_of_the_contract(run: Run, one: str) -> None:
    memories = ["--memory", "window:k=2", "--memory", "summary", "--memory", "vector:k=1"]
    code, out, err = run(one, *memories, "--embeddings", "hashing", "--json", "-")
    assert code == 0
    assert err.splitlines() == [
        "1 id names no message as evidence: D9:9.",
        "1 id of evidence names no message of the file and counts nowhere.",
    ]
    found = Conversation.model_validate_json(out)
    assert list(json.loads(out)) == ["conversation", "runs"]
    assert found.conversation == Head(id="conv-1", turns=6, messages=12, questions=3, unknown_evidence=1)
    assert [(one.memory, one.settings.get("k")) for one in found.runs] == [
        ("ConversationBufferWindowMemory", 2),
        ("ConversationSummaryMemory", None),
        ("VectorStoreRetrieverMemory", 1),
    ]
    window, summary, _ = found.runs
    assert [len(one.turns) for one in found.runs] == [6, 6, 6]
    assert window.turns[4].left_out == [Left(turns=[0, 2], why="outside the last k=2 turns")]
    assert window.turns[4].prompt[0].item == "turn:2"
    assert window.turns[4].reply == Reply(text="Thing23 was seen in the garden.", recorded=True, tool_calls=[])
    assert [call.purpose for call in summary.turns[1].calls] == ["summary"]
    assert [(one.category, one.evidence, one.in_prompt) for one in window.questions] == [
        (1, ["D1:1"], []),
        (2, ["D2:6", "D1:1"], ["D2:6"]),
        (5, [], []),
    ]
    assert window.questions[0].missing == [MissingOf(message="D1:1", why="outside the last k=2 turns")]
    assert window.evidence.model_dump() == {
        "recall": 0.25,
        "full": 0.0,
        "tokens": window.questions[0].tokens,
        "by_category": {"1": {"recall": 0.0, "full": 0.0, "n": 1}, "2": {"recall": 0.5, "full": 0.0, "n": 1}},
    }
    assert (window.evidence_by_overlap, summary.evidence.recall) == (None, 0.0)
    assert summary.evidence_by_overlap is not None


def test_the_keys_stand_in_the_order_of_the_contract(run: Run, one: str) -> None:
    found = json.loads(run(one, "--memory", "summary", "--json", "-")[1])
    for value, model in (
        (found["conversation"], Head),
        (found["runs"][0], RunOf),
        (found["runs"][0]["turns"][1], TurnOf),
        (found["runs"][0]["turns"][1]["prompt"][0], Sent),
        (found["runs"][0]["turns"][1]["tokens"], Tokens),
        (found["runs"][0]["turns"][1]["calls"][0], OwnCall),
        (found["runs"][0]["totals"], TotalsOf),
        (found["runs"][0]["questions"][0], Asked),
        (found["runs"][0]["evidence"], Evidence),
    ):
        assert list(value) == list(model.model_fields)


def test_the_figures_add_up(run: Run, one: str) -> None:
    (found,) = Conversation.model_validate_json(run(one, "--memory", "summary", "--json", "-")[1]).runs
    own = [call for turn in found.turns for call in turn.calls]
    for turn in found.turns:
        segments = turn.tokens.instructions + turn.tokens.memory + turn.tokens.history + turn.tokens.query
        assert turn.tokens.total == segments == sum(message.tokens for message in turn.prompt)
    inputs = sum(turn.tokens.total for turn in found.turns) + sum(call.input_tokens for call in own)
    assert found.totals.input_tokens == inputs
    costs = sum(Decimal(turn.cost or 0) for turn in found.turns) + sum(Decimal(call.cost or 0) for call in own)
    assert Decimal(found.totals.cost or 0) == costs


def test_several_conversations_stand_in_the_files_order(run: Run, two: str) -> None:
    found = json.loads(run(two, "--memory", "none", "--json", "-")[1])
    assert list(found) == ["conversations"]
    read = [Conversation.model_validate(one) for one in found["conversations"]]
    assert [one.conversation.id for one in read] == ["conv-1", "conv-2"]


def test_one_of_several_is_chosen_by_its_id(run: Run, two: str) -> None:
    found = json.loads(run(two, "--memory", "none", "--json", "-", "--conversation", "conv-2")[1])
    assert found["conversation"]["id"] == "conv-2"


def test_texts_of_prompts_can_be_left_out_and_all_figures_stay(run: Run, one: str) -> None:
    arguments = (one, "--memory", "window:k=2", "--memory", "vector:k=1", "--embeddings", "hashing", "--json", "-")
    long = Conversation.model_validate_json(run(*arguments)[1])
    short = Conversation.model_validate_json(run(*arguments, "--no-prompts")[1])
    for part in long.runs:
        part.totals.seconds = 0.0
        for prompt in (*part.turns, *part.questions):
            prompt.prompt = []
    for part in short.runs:
        part.totals.seconds = 0.0
    assert short == long


def test_some_turns_and_no_questions(run: Run, one: str) -> None:
    arguments = (one, "--memory", "buffer", "--json", "-", "--turns", "2:4", "--questions", "none")
    (found,) = Conversation.model_validate_json(run(*arguments)[1]).runs
    assert ([turn.index for turn in found.turns], found.questions) == ([2, 3], [])
    assert found.turns[0].prompt[0].item == "turn:0"
    assert found.evidence == Evidence(recall=None, full=None, tokens=None, by_category={})


def test_a_json_file_is_there_whole_or_as_it_was_before(
    run: Run, one: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "out.json"
    code, out, _ = run(one, "--memory", "none", "--json", str(file))
    assert (code, out) == (0, "")
    before = file.read_text("utf-8")
    assert Conversation.model_validate_json(before)

    def fail(*_: object) -> None:
        raise ModelFailed("The model is away: try again.", kind="connection")

    monkeypatch.setattr("memory.replay.Run.questions", fail)
    code, _, err = run(one, "--memory", "buffer", "--json", str(file))
    assert (code, err.count("\n")) == (1, 1)
    assert file.read_text("utf-8") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.json", "out.json"]


def test_without_json_there_is_a_table_over_all_conversations(run: Run, two: str) -> None:
    code, out, _ = run(two, "--memory", "window:k=2", "--memory", "none")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("2 conversations: 12 turns, 24 messages, 6 questions; tokens and prices of openai:gpt-5")
    assert lines[4].split()[:2] == ["window:k=2", "12"]
    assert lines[4].split()[-5:] == ["25.0", "%", "0.0", "%", "32"]
    assert lines[5].split()[-1] == "0"


def test_the_questions_are_answered_where_it_is_wanted(run: Run, one: str) -> None:
    out = run(one, "--memory", "buffer", "--json", "-", "--answer")[1]
    (found,) = Conversation.model_validate_json(out).runs
    assert all(asked.answer for asked in found.questions)


def test_a_chat_that_ends_with_a_question_is_answered_by_the_model(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, "User: My name is Alex.\nAI: Hello.\nUser: What is my name?\n", "chat.txt")
    code, out, err = run(file, "--memory", "buffer", "--json", "-")
    (found,) = Conversation.model_validate_json(out).runs
    assert found.turns[-1].reply == Reply(text="Your name is Alex.", recorded=False, tool_calls=[])
    assert (code, err) == (0, "1 turn had no recorded answer: demo answered.\n")
    assert found.evidence_by_overlap is None


def test_what_reading_left_out_is_said_once_on_standard_error(run: Run, tmp_path: Path) -> None:
    messages = [{"role": role, "content": "Be brief."} for role in ("system", "user", "assistant")]
    file = write(tmp_path, messages, "openai.json")
    said = "Its system prompt is no turn and was left out: “Be brief.”\n"
    assert run(file, "--memory", "buffer", "--memory", "none")[::2] == (0, said)
    several = write(tmp_path, [{"id": id, "messages": messages} for id in ("a", "b")], "several.json")
    assert run(several, "--memory", "buffer")[2] == f"a: {said}b: {said}"
    assert "1 turn, 2 messages, 0 questions" in run(file, "--memory", "buffer")[1]


def test_a_dash_reads_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    data = "User: Grüße 漢字 🙂\nAI: Hallo.\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    found = Conversation.model_validate_json(run("-", "--memory", "buffer", "--json", "-")[1])
    assert found.runs[0].turns[0].prompt[0].content == "Grüße 漢字 🙂"


def test_an_unknown_price_is_null_and_said(run: Run, one: str) -> None:
    code, out, err = run(one, "--memory", "buffer", "--json", "-", "--price-model", "ollama:llama3")
    (found,) = Conversation.model_validate_json(out).runs
    assert (code, found.totals.cost, found.turns[0].cost) == (0, None, None)
    assert "The price of ollama:llama3" in err
    assert "No rule of prompt caching" in err


def test_a_failing_model_of_the_memory_ends_with_1_and_its_sentence(
    run: Run, one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memory.services import Models
    from tests.memory.fakes import FakeChat

    def away(*_: object) -> Exception:
        return ModelFailed("The model is away: try again.", kind="connection")

    monkeypatch.setattr(Models, "open_memory", lambda self: FakeChat(answer=away))
    code, out, err = run(one, "--memory", "summary", "--json", "-")
    assert code == 1
    assert "The model is away" in err
    assert len(Conversation.model_validate_json(out).runs[0].turns) == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--memory", "windw"], ["--memory windw", "did you mean 'window'"]),
        (["--memory", "window:kk=3"], ["--memory window:kk=3", "did you mean 'k'"]),
        (["--memory", "window:k=x"], ["--memory window:k=x", "integer"]),
        (["--memory", "none", "--conversation", "conv-3"], ["two.json", "--conversation conv-3", "did you mean conv-"]),
        (["--memory", "none", "--conversation", "zzz"], ["two.json", "it has conv-1, conv-2"]),
        (["--memory", "none", "--turns", "4"], ["--turns 4", "A:B"]),
        (["--memory", "none", "--turns", "4:4"], ["--turns 4:4", "A smaller than B"]),
        (["--memory", "none", "--format", "locmo"], ["two.json", "did you mean locomo"]),
        (["--memory", "none", "--embeddings", "quatsch"], ["--embeddings quatsch", "hashing"]),
        (["--memory", "none", "--json", "/nowhere/x.json"], ["/nowhere/x.json", "folder that can be written"]),
        (["--memory", "none", "--questions", "some"], ["--questions", "--help"]),
        (["--memory", "none", "--turns", "99:"], ["--turns 99: leaves no turn", "has 6 turns"]),
        (["--memory", "none", "--model", "nosuch"], ["--model nosuch", "provider:name"]),
        (["--memory", "none", "--memory-model", "opnai:gpt-5"], ["--memory-model opnai", "did you mean openai:gpt-5?"]),
        (["--memory", "none", "--price-model", "claude-opus-4-1"], ["--price-model claude", "mean anthropic:claude-"]),
        (["--memory", "none", "--memory", "window:k=3,k=4"], ["--memory window:k=3,k=4", "k is given twice"]),
        ([], ["--memory is missing", "window:k=3"]),
    ],
)
def test_wrong_input_ends_with_2_and_one_line_of_place_and_remedy(
    run: Run, two: str, arguments: list[str], words: list[str]
) -> None:
    code, out, err = run(two, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert all(word in err for word in words)


def test_a_file_that_is_none_is_named(run: Run, tmp_path: Path) -> None:
    for name, words in (("nowhere.json", "no such file"), (write(tmp_path, "{", "bad.json"), "line 1")):
        code, out, err = run(name, "--memory", "none")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert name in err
        assert words in err


def test_a_model_without_a_key_is_refused_before_anything_is_asked(run: Run, one: str) -> None:
    code, out, err = run(one, "--memory", "summary", "--memory-model", "openai:gpt-5-nano", "--json", "-")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--memory-model openai:gpt-5-nano: There is no key" in err
    assert run(one, "--memory", "buffer", "--model", "openai:gpt-5-nano")[0] == 0
    assert run(one, "--memory", "buffer", "--model", "openai:gpt-5-nano", "--answer")[0] == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_drawn_on_a_terminal_and_nowhere_else() -> None:
    for stream, drawn in ((io.StringIO(), False), (Terminal(), True)):
        progress = Progress(2, stream)
        progress.step("conv-1 window")
        progress.step("conv-1 window")
        assert ("100 %  conv-1 window" in stream.getvalue()) is drawn
        progress.close()
        assert stream.getvalue().endswith("\r\033[K") is drawn


def test_a_table_aligns_its_columns() -> None:
    assert table(("a", "n"), [("xyz", "1"), ("x", "100")], "<>") == "a      n\nxyz    1\nx    100"


def test_the_organisation_and_the_application_of_a_namespace_can_be_named(run: Run, one: str) -> None:
    spec = "collection:namespace={org}/{app}"
    labels = ("--organisation", "acme", "--application", "support")
    code, out, _ = run(one, "--memory", spec, *labels, "--embeddings", "hashing", "--questions", "none", "--json", "-")
    assert code == 0
    assert json.loads(out)["runs"][0]["settings"]["namespace"] == "acme/support"
    for wrong, said in (
        (("--memory", spec, "--organisation", "a.b"), "--organisation: A label may hold no dot"),
        (("--memory", spec, "--application", "a,b"), "--application a,b: leave out ,"),
        (("--memory", "window", "--organisation", "acme"), "no memory has {org} in its namespace"),
    ):
        code, _, err = run(one, *wrong)
        assert code == 2
        assert said in err
