"""The lint on our own memories: all of the catalogue are sound, and one that breaks a rule is caught by that rule.

python -m pytest tests/memory/test_lint.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from langchain_core.messages import HumanMessage
from pydantic import Field

from memory.base import Item, LeftOut, Memory, Note, Recall, Services, State, Turn
from memory.catalog import load
from memory.demo import DemoChatModel
from memory.errors import BadInput, ModelFailed
from memory.lint import Report, lint_ours, scratch_server
from memory.lint.bench import parted
from memory.lint.growth import Work, judge
from memory.lint.report import RULES
from memory.lint.server import Server
from memory.lint.words import alone, found, telling
from memory.prompt import assemble
from memory.retrieval.embeddings import embedding
from memory.store import Thread
from memory.stores.redis import RedisStore
from memory.tokens import count_tokens
from tests.memory.fakes import ENCODING, plain, with_tools
from tests.memory.lint_talk import talk

OURS = set(RULES) - {"async"}
SETTINGS = {
    "summary_buffer": "max_token_limit=60",
    "summarization": "trigger=60,keep=2",
    "token_buffer": "max_token_limit=40",
    "vector": "max_token_limit=60",
    "vector_token_buffer": "max_token_limit=60,k=1",
    "combined": "memories=summary(summarize_step=3)+entity(k=0)+vector(k=1)+window(k=2),max_token_limit=120",
}
"""Limits that so little talk reaches."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with scratch_server() as server:
        assert server.ready, server.why
        yield server


def lint(memory: Memory, server: Server, length: int = 12, **more: Any) -> Report:
    return lint_ours(memory, talk(length), server, embedding=embedding("hashing"), **more)


def verdict(report: Report, id: str) -> str:
    check = report.check(id)
    assert check, id
    return check.verdict


# --- what is sound is said to be -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(load().memories))
@pytest.mark.parametrize("small", [False, True], ids=["as it comes", "with little room"])
def test_every_memory_of_the_catalogue_is_sound(name: str, small: bool, server: Server) -> None:
    short = load().memories[name].short
    if small and short not in SETTINGS:
        pytest.skip("it has no limit of its own")
    memory = load().memory(f"{name}:{SETTINGS[short]}" if small else name)
    report = lint(memory, server)
    assert {check.id for check in report.checks} == OURS
    assert [(check.id, check.said, check.diff) for check in report.checks if check.verdict == "broken"] == []
    if memory.caveat is None:
        unknown = {check.id for check in report.checks if check.verdict == "not known"}
        assert unknown <= {"growth"}


def test_the_work_of_sixty_turns_is_told_from_that_of_a_few(server: Server) -> None:
    for spec in ("window:k=3", "summary_buffer:max_token_limit=300", "summarization:trigger=300", "kg"):
        assert verdict(lint(load().memory(spec), server, 60), "growth") == "holds", spec


def test_rules_that_are_waived_for_the_old_form_are_not_known_with_the_reason(server: Server) -> None:
    report = lint(load().memory("preferencesmemory"), server)
    waived = [check for check in report.checks if check.said.startswith("waived")]
    assert {check.rule for check in waived} == {2, 4, 5, 10, 12}
    assert {check.verdict for check in waived} == {"not known"}
    assert verdict(report, "read") == verdict(report, "clear") == "holds"


def test_what_is_evidence_can_be_counted(server: Server) -> None:
    report = lint(load().memory("token_buffer:max_token_limit=40"), server)
    limit = report.check("limit")
    assert limit
    assert limit.limit == 40
    assert limit.sent
    assert limit.sent <= 40
    turn = talk()[limit.turns[0]]
    assert turn.human
    assert f"{limit.sent} of 40 tokens were sent, before turn {turn.index + 1};" in limit.said


def test_without_a_server_what_needs_one_is_not_known_and_says_why() -> None:
    report = lint(load().memory("summary"), Server(None, "No server can be started here."))
    for id in ("restart", "twice", "clear", "forget", "owner"):
        check = report.check(id)
        assert check
        assert check.verdict == "not known"
        assert "No server can be started here" in check.said
    assert report.sound


def test_no_turn_is_wrong_input(server: Server) -> None:
    with pytest.raises(BadInput, match="no turn"):
        lint_ours(load().memory("window"), [], server)


def test_the_progress_only_grows_and_ends_at_one(server: Server) -> None:
    told: list[float] = []
    lint(load().memory("summary"), server, progress=lambda share, label: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert told[0] < 0.1


def test_nothing_of_a_lint_stays_behind(server: Server) -> None:
    with scratch_server() as own:
        home = own.connection.describe().partition(" in ")[2]
        lint(load().memory("key_value"), own)
        assert not own.everything().count("Kleinfeld")
    from pathlib import Path

    assert home.startswith("/")
    assert not Path(home).exists()


# --- what breaks a rule is caught by that rule -----------------------------------------------------------------------


class Whole(Memory):
    """Sends every turn that fits; each subclass breaks one rule."""

    short, label, keeps, forgets, costs = "whole", "Whole", "all", "nothing", "all"

    class Settings(Memory.Settings):
        max_token_limit: int = Field(100_000)

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        left, items, first = min(budget, self.settings.max_token_limit), [], len(transcript)  # type: ignore[attr-defined]
        while first and transcript[first - 1].count(services.encoding) <= left:
            first -= 1
            left -= transcript[first].count(services.encoding)
            items.insert(0, self.item(transcript[first], services))
        return Recall(tuple(items), (LeftOut((0, first), "over the budget"),) if first else ())

    def item(self, turn: Turn, services: Services) -> Item:
        at = turn.index
        return Item(f"turns:{at}-{at}", "history", "every turn", turn.count(services.encoding), turns=(at, at + 1))


class Rewrites(Whole):
    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        if len(transcript) > 3:
            object.__setattr__(transcript[2], "messages", transcript[2].messages[:1])
        return super().read(state, transcript, query, services, budget)


class LiesAboutItsLimit(Whole):
    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        return Recall(tuple(replace(self.item(turn, services), tokens=1) for turn in transcript))


class DropsTheNewest(Whole):
    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        return super().read(state, transcript[:-1], query, services, budget)


class HasAHole(Whole):
    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        recall = super().read(state, transcript, query, services, budget)
        return replace(recall, items=tuple(item for item in recall.items if item.turns != (1, 2)))


class SendsTwice(Whole):
    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        recall = super().read(state, transcript, query, services, budget // 2)
        return replace(recall, items=(*recall.items[:1], *recall.items))


class SaysNoReason(Whole):
    def item(self, turn: Turn, services: Services) -> Item:
        return replace(super().item(turn, services), why="")


class CountsItsReadings(Whole):
    readings = 0

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        type(self).readings += 1
        text = f"This is reading {self.readings}."
        note = Item("note:1", "memory", "counted", count_tokens(text, services.encoding), text=text)
        return Recall((note,) if note.tokens <= budget else (), _all_left(transcript))


class NotesWhileReading(Whole):
    stateful = True

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        notes: Any = state.notes
        notes["seen"] = Note("seen", len(transcript) + 1, query, (0, 0), len(transcript))
        return super().read(state, transcript, query, services, budget)


class FailsInTheMiddle(Whole):
    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        if len(transcript) == 5:
            raise KeyError("five")
        return super().read(state, transcript, query, services, budget)


class Stateful(Whole):
    """Writes one note after each turn."""

    stateful = True

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        for length in range(state.covered + 1, len(transcript) + 1):
            try:
                text = self.noted(transcript[:length], services, recall)
            except ModelFailed as error:
                services.failed(error)
                return state
            state = replace(state.with_note("said", text, (0, length), length), covered=length)
        return state

    def noted(self, turns: Sequence[Turn], services: Services, recall: Recall | None) -> str:
        return f"{len(turns)} turns"


class WritesAgain(Stateful):
    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        return state.with_note("count", f"{len(transcript)}", (0, 1), len(transcript))


class LivesInItsObject(Stateful):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.heard: list[str] = []

    def noted(self, turns: Sequence[Turn], services: Services, recall: Recall | None) -> str:
        self.heard.append(turns[-1].human)
        return f"{len(self.heard)} were heard"


class RestsOnItsRecall(Stateful):
    def noted(self, turns: Sequence[Turn], services: Services, recall: Recall | None) -> str:
        return f"{len(recall.items) if recall else 'nothing'} recalled"


class Asks(Stateful):
    """Asks its model after each turn."""

    def noted(self, turns: Sequence[Turn], services: Services, recall: Recall | None) -> str:
        lines = "\n    ".join(turns[-1].human.splitlines())
        return services.ask([HumanMessage(f"Summarise: {lines}")], "summary", 50).text


class ForgetsWhenItsModelFails(Asks):
    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        return replace(super().write(state, transcript, services, recall), covered=len(transcript))


class KeepsQuietOfItsCalls(Asks):
    def noted(self, turns: Sequence[Turn], services: Services, recall: Recall | None) -> str:
        said = super().noted(turns, services, recall)
        services.calls.clear()  # type: ignore[attr-defined]
        return said


class AsksBehindTheBack(Stateful):
    def noted(self, turns: Sequence[Turn], services: Services, recall: Recall | None) -> str:
        return str(DemoChatModel().invoke(f"Summarise: {turns[-1].human}").text)


class PutsWordsInMouths(Stateful):
    def noted(self, turns: Sequence[Turn], services: Services, recall: Recall | None) -> str:
        return "\n".join(f"Human: {turn.human}" for turn in turns[-3:])

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        notes = [note for note in state.notes.values() if count_tokens(note.text, services.encoding) <= budget]
        items = (
            Item(note.ref, "memory", "noted", count_tokens(note.text, services.encoding), text=note.text)
            for note in notes
        )
        return Recall(tuple(items), _all_left(transcript))


class SharesWhatItHears(Stateful):
    """Keeps what it hears for as long as the process lives, and for everybody."""

    heard: ClassVar[dict[str, str]] = {}
    by_owner = False

    def noted(self, turns: Sequence[Turn], services: Services, recall: Recall | None) -> str:
        self.heard[turns[-1].human] = services.user if self.by_owner else ""
        return "heard"

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        owner = services.user if self.by_owner else ""
        text = " ".join(said for said, whose in self.heard.items() if whose == owner)
        tokens = count_tokens(text, services.encoding)
        items = (Item("heard:1", "memory", "heard", tokens, text=text),) if 0 < tokens <= budget else ()
        return Recall(items, _all_left(transcript))


class NeverForgets(SharesWhatItHears):
    heard: ClassVar[dict[str, str]] = {}
    by_owner = True


class ReadsEverything(Whole):
    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        assert len(list(transcript)) == len(transcript)
        return Recall((), _all_left(transcript))


def _all_left(transcript: Sequence[Turn]) -> tuple[LeftOut, ...]:
    return (LeftOut((0, len(transcript)), "it sends no turn"),) if len(transcript) else ()


BROKEN: list[tuple[type[Whole], str, str]] = [
    (Rewrites, "transcript", "turn 3 is no longer what was said"),
    (LiesAboutItsLimit, "limit", "tokens were sent of 60, before turn"),
    (DropsTheNewest, "newest", "before turn 2, turn 1 was neither sent nor was it said why not"),
    (HasAHole, "sources", "before turn 3, turn 2 was neither sent nor left out"),
    (SendsTwice, "sources", "turn 1 was accounted for more than once"),
    (SaysNoReason, "sources", "turns:0-0 has no reason"),
    (CountsItsReadings, "read", "it recalled two different things"),
    (NotesWhileReading, "read", "changed its state"),
    (FailsInTheMiddle, "read", "reading before turn 6 failed (KeyError: 'five')"),
    (WritesAgain, "twice", "changed its state a second time"),
    (LivesInItsObject, "restart", "its state is another one"),
    (RestsOnItsRecall, "replay", "made again turn by turn, its state is another one"),
    (ForgetsWhenItsModelFails, "failure", "what it knows then is not what it would have known"),
    (KeepsQuietOfItsCalls, "calls", "are recorded"),
    (AsksBehindTheBack, "calls", "past its services, unrecorded"),
    (NeverForgets, "clear", "the next prompt still has"),
    (SharesWhatItHears, "owner", "another owner was sent"),
    (PutsWordsInMouths, "roles", "it stands as a line of its own"),
]


@pytest.mark.parametrize(("cls", "id", "words"), BROKEN, ids=[one[0].__name__ for one in BROKEN])
def test_a_memory_that_breaks_a_rule_is_caught_by_it(cls: type[Whole], id: str, words: str, server: Server) -> None:
    small = {"max_token_limit": 60} if cls is LiesAboutItsLimit else {}
    report = lint(cls(**small), server)
    check = report.check(id)
    assert check
    assert check.verdict == "broken", check.said
    assert words in check.said
    assert not report.sound
    assert check.turns or id in ("calls", "restart", "roles")
    assert all(0 <= turn <= 12 for turn in check.turns)


def test_the_memory_that_they_are_made_from_is_sound(server: Server) -> None:
    for cls in (Whole, Stateful, Asks):
        assert [check for check in lint(cls(), server).checks if check.verdict == "broken"] == []


def test_work_that_grows_is_caught_in_a_long_conversation(server: Server) -> None:
    check = lint(ReadsEverything(), server, 60).check("growth")
    assert check
    assert check.verdict == "broken"
    assert "turns read beyond those sent: 0 a turn in the first tenth" in check.said


def test_a_memory_that_fails_is_not_asked_further(server: Server) -> None:
    report = lint(FailsInTheMiddle(), server)
    assert {check.id for check in report.checks} == OURS
    rest = [check for check in report.checks if check.id != "read"]
    assert {(check.verdict, check.said) for check in rest} == {("not known", "it failed before turn 6")}


def test_two_states_that_should_be_one_are_shown_side_by_side(server: Server) -> None:
    check = lint(RestsOnItsRecall(), server).check("replay")
    assert check
    assert "-said:12 (turns 0–12): 11 recalled" in check.diff
    assert "+said:12 (turns 0–12): nothing recalled" in check.diff


def test_a_conversation_with_tool_calls_is_linted_as_it_is(server: Server) -> None:
    turns = [*talk(4), with_tools(4, "Look it up, please.", "It is so.", ["one", "two"]), *talk(7)[5:]]
    for spec in ("buffer", "window:k=2", "summary", "vector"):
        report = lint_ours(load().memory(spec), turns, server, embedding=embedding("hashing"))
        assert report.sound, [check for check in report.checks if check.verdict == "broken"]


def test_where_no_turn_has_words_of_its_own_one_more_is_forgotten(server: Server) -> None:
    turns = [replace(plain(place, "Yes, it is so.", "It is so."), at=1.0 + place) for place in range(4)]
    for spec in ("window", "summary", "kg", "vector"):
        report = lint_ours(load().memory(spec), turns, server, embedding=embedding("hashing"))
        check = report.check("forget")
        assert check
        assert (check.verdict, check.turns) == ("holds", ()), spec
        assert "beside the conversation" in check.said


# --- what it is made of ----------------------------------------------------------------------------------------------


def test_words_that_tell_what_was_said_and_those_that_one_turn_alone_has() -> None:
    turns = [plain(0, "The Kleinfeld dress is white.", "White it is."), plain(1, "The dress is long.", "Indeed.")]
    words = telling(turns, besides="indeed")
    assert words == {"kleinfeld": 0, "dress": 0, "white": 0, "long": 1}
    assert alone(words, turns) == {"kleinfeld": 0, "white": 0, "long": 1}
    assert found(words, "a KLEINFELD gown, Kleinfelds") == ["kleinfeld"]


def test_everything_in_a_server_can_be_searched_also_after_the_escapes_of_json(server: Server) -> None:
    server.empty()
    store = RedisStore(server.connection)
    store.put_thread("u1", Thread("t1", title="Über\nGröße"))
    server.connection.client.lpush("theirs", '{"content": "\\u00dcberfluss\\nSchmetterling"}')
    words = found(["grösse", "schmetterling", "überfluss"], server.everything())
    assert words == ["grösse", "schmetterling", "überfluss"]
    server.empty()
    assert server.everything() == ""


@pytest.mark.parametrize(
    ("amounts", "verdict"),
    [
        ([float(place) for place in range(100)], "broken"),
        ([float(place**2) for place in range(100)], "broken"),
        ([50.0] * 100, "holds"),
        ([0.0] * 20 + [50.0] * 80, "holds"),
        ([0.0] * 39, "not known"),
    ],
)
def test_growth_is_told_from_work_that_levels_off(amounts: list[float], verdict: str) -> None:
    assert judge([Work("turns", amounts)]).verdict == verdict


def test_a_summary_that_begins_late_is_no_growth() -> None:
    late = [0.0] * 90 + [900.0] * 10
    assert judge([Work("tokens", late)]).verdict == "broken"
    assert judge([Work("tokens", late, fair=20_000)]).verdict == "holds"


def test_a_tool_call_that_is_torn_from_its_result_is_found() -> None:
    recall = Recall((Item("turns:0-0", "history", "", 0, turns=(0, 1)),))
    sent = assemble("", recall, [with_tools(0, "Look.", "So.", ["one", "two"])], "?", ENCODING).langchain()
    assert parted(sent) is None
    assert parted(sent[:2]) == "the call call0-0 was sent without its result"
    assert parted([*sent[:2], *sent[3:]]) == "the call call0-0 was sent without its result"
    assert parted(sent[2:]) == "the result of call0-0 was sent without its call"
