"""A live comparison without its page: columns stay side by side whatever becomes of one, and who still knew a fact.

python -m pytest tests/compare/test_live.py
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from memory.base import Memory, Message, Recall, Turn
from memory.compare.experiment import MOST_COLUMNS, Column, Experiment
from memory.compare.fact import knew, suggest
from memory.compare.keeping import Experiments
from memory.compare.link import from_query, to_query
from memory.compare.live import MOST_FACTS, Live, Round, rounds_of
from memory.compare.live_figures import Track
from memory.errors import BadInput, ExperimentGone
from memory.inspection.inspect import Inspection, inspect
from memory.preferences import Preferences
from memory.services import Models
from memory.store import Store, Thread
from memory.stores.inmemory import InMemoryStore
from tests.openai_server import Answer, Server, openai_server
from tests.pictures.drawn import beach

USER = "u1"
BUFFER = Column("ConversationBufferMemory")
WINDOW = Column("ConversationBufferWindowMemory", {"k": 1})
SUMMARY = Column("ConversationSummaryMemory")
PATIENCE = 120  # seconds for one answer; the cores may be busy
PLANTED = ("My name is Alex.", "I live in Lyon.", "I like tea.", "What is my name?")


@pytest.fixture
def model() -> Iterator[Server]:
    with openai_server() as server:
        yield server


def begun(*columns: Column, store: Store | None = None) -> Live:
    """A comparison with the demo model that is not kept yet."""
    experiments = Experiments(store or InMemoryStore(), USER)
    return Live(experiments, Experiment("", "", "live", columns), lambda name: Models(chat=name or "demo"))


def said(live: Live, *messages: str) -> Live:
    """Send messages one after the other, each when all columns have answered the one before."""
    for text in messages:
        live, jobs = live.send(text)
        for job in jobs:
            job.join(PATIENCE)
    return live


def last(live: Live) -> Round:
    return live.read().rounds[-1]


def seen(live: Live, place: int) -> Inspection:
    opened = live.read().opened[place]
    assert opened
    found = inspect(live.experiments.store, USER, opened.thread.id, opened.length - 1, opened.length)
    assert found
    return found


def track(live: Live, place: int) -> Track:
    opened = live.read().opened[place]
    assert opened
    return Track().up_to(live.experiments.store, USER, opened)


def loopback(live: Live, model: Server) -> Live:
    """The same comparison, whose columns' own models are those of a server on this machine."""
    made = Models(key="sk-test")

    def speak(name: str) -> Models:
        return replace(made, chat=name or "openai:echo")

    return replace(live, speak=speak)


# --- one message, several columns -------------------------------------------------------------------------------------


def test_one_message_is_answered_by_every_column_from_what_its_own_memory_sends() -> None:
    live = said(begun(BUFFER, WINDOW), *PLANTED)
    first, second = last(live).turns
    assert first
    assert second
    assert (first.ai, second.ai != first.ai) == ("Your name is Alex.", True)
    assert first.id == second.id


def test_columns_that_write_what_outlives_the_comparison_are_named() -> None:
    facts = Column("SemanticCollectionMemory")
    both = Column("CombinedMemory", {"memories": "window+collection"})
    gone = Column("NoSuchMemory")
    assert begun(BUFFER, Column("KnowledgeMemory")).lasting() == []
    assert begun(facts, BUFFER, facts, both, gone).lasting() == ["Facts", "Combined"]


def test_a_comparison_is_kept_with_its_first_message_and_found_again() -> None:
    live = begun(BUFFER, WINDOW)
    assert live.experiments.listed() == []
    live = said(live, "My name is Alex.")
    (kept,) = live.experiments.listed()
    assert (kept.title, kept.kind) == ("My name is Alex.", "live")
    again = replace(begun(store=live.experiments.store), experiment=kept)
    assert [turn.human for turn in last(again).turns if turn] == ["My name is Alex."] * 2


def test_the_fact_that_was_chosen_for_a_message_is_kept_and_no_link_holds_it() -> None:
    live = said(begun(BUFFER, WINDOW), *PLANTED)
    first, asked = live.read().rounds[0].id, last(live).id
    live = live.ask_for(asked, first)
    kept = live.experiments.get(live.experiment.id)
    assert kept
    assert kept.facts == {asked: first}
    assert said(live, "I like cake.").experiment.facts == {asked: first}
    assert from_query(to_query(kept)).facts == {}
    for number in range(MOST_FACTS):
        live = live.ask_for(f"r{number}", "")
    assert len(live.experiment.facts) == MOST_FACTS
    assert asked not in live.experiment.facts


def test_a_message_uses_a_comparison_so_that_it_is_kept_as_long_as_its_conversations() -> None:
    live = said(begun(BUFFER, WINDOW), "My name is Alex.")
    before = time.time()
    said(live, "I like tea.")
    (kept,) = live.experiments.listed()
    assert kept.updated >= before


def test_a_message_to_a_comparison_that_another_tab_deleted_brings_no_thread_back() -> None:
    live = said(begun(BUFFER, WINDOW), "My name is Alex.")
    live.delete()
    with pytest.raises(ExperimentGone):
        live.send("I like tea.")
    assert live.experiments.store.threads(USER) == []


def test_its_threads_name_it_and_forks_of_them_do_not() -> None:
    live = said(begun(BUFFER, WINDOW), "My name is Alex.")
    store = live.experiments.store
    assert {thread.experiment for thread in store.threads(USER)} == {live.experiment.id}
    copy = live.into_chat(1)
    assert copy.experiment == ""
    assert copy.memory == WINDOW.memory
    assert live.read().length == 1


def test_columns_stay_side_by_side_where_one_could_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    live = said(begun(BUFFER, WINDOW), "one")
    with monkeypatch.context() as patched:
        patched.setattr("memory.strategies.window.ConversationBufferWindowMemory.read", _broken)
        live = said(live, "two")
    live = said(live, "three")
    rounds = live.read().rounds
    assert [one.query for one in rounds] == ["one", "two", "three"]
    assert [turn is None for turn in rounds[1].turns] == [False, True]
    assert [turn.human for turn in rounds[2].turns if turn] == ["three", "three"]
    assert [turn.index for turn in rounds[2].turns if turn] == [2, 1]


def _broken(*_: object) -> Recall:
    raise RuntimeError("a plug-in's own mistake")


def test_a_column_that_was_not_reached_is_asked_again_under_the_same_round(monkeypatch: pytest.MonkeyPatch) -> None:
    live = said(begun(BUFFER, WINDOW), "one")
    with monkeypatch.context() as patched:
        patched.setattr("memory.strategies.window.ConversationBufferWindowMemory.read", _broken)
        live = said(live, "two")
    live.again(1, last(live)).join(PATIENCE)
    rounds = live.read().rounds
    assert [one.query for one in rounds] == ["one", "two"]
    assert all(turn and turn.status == "complete" for turn in rounds[1].turns)


def test_a_refused_answer_keeps_its_place_and_is_given_again(model: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", model.url)
    live = loopback(begun(BUFFER, replace(WINDOW, model="openai:refuse")), model)
    live = said(live, "Hello.")
    good, bad = last(live).turns
    assert good
    assert bad
    assert (good.status, bad.status) == ("complete", "failed")
    assert bad.error
    live = live.change(1, WINDOW.open(), "")
    live.again(1, last(live)).join(PATIENCE)
    (one,) = live.read().rounds
    assert [turn.status for turn in one.turns if turn] == ["complete", "complete"]
    assert one.turns[1]
    assert one.turns[1].ai == "You said: Hello."


def test_an_earlier_message_is_not_asked_again() -> None:
    live = said(begun(BUFFER, WINDOW), "one", "two")
    with pytest.raises(BadInput, match="Only the last answer"):
        live.again(0, live.read().rounds[0])


@pytest.mark.parametrize("count", [2, 6])
def test_all_columns_are_asked_at_once(count: int, model: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", model.url)
    live = loopback(begun(*[Column("ConversationBufferWindowMemory", {"k": k}) for k in range(1, count + 1)]), model)
    live = said(live, "warm up")
    # None is answered before all have asked.
    model.script(*[Answer(text="I see.", together=threading.Barrier(count))] * count)
    said(live, "go on")
    assert [turn and turn.ai for turn in last(live).turns] == ["I see."] * count


# --- columns that come and go -----------------------------------------------------------------------------------------


def test_a_column_that_is_added_has_the_conversation_and_its_figures_begin_with_itself() -> None:
    live = said(begun(BUFFER, WINDOW), *PLANTED[:3])
    estimate = live.joining(SUMMARY)
    assert estimate
    assert (estimate.turns, estimate.calls > 0) == (3, True)
    live = said(live.add(SUMMARY), PLANTED[3])
    added = track(live, 2)
    assert added.first == 3
    assert len(added.tokens()) == len(added.spent(cached=True)) == 1
    assert len(track(live, 0).tokens()) == 4
    assert len({turn.id for turn in last(live).turns if turn}) == 1


def test_a_column_is_removed_and_brought_back_with_its_conversation() -> None:
    live = said(begun(BUFFER, WINDOW, SUMMARY), "My name is Alex.")
    gone = live.columns[1]
    fewer = live.remove(1)
    assert [column.memory for column in fewer.columns] == [BUFFER.memory, SUMMARY.memory]
    assert fewer.experiments.store.thread(USER, gone.thread) is None
    back = fewer.put_back(1, gone)
    assert back.columns == live.columns
    assert all(last(back).turns)


def test_two_columns_are_the_fewest_and_six_the_most() -> None:
    live = begun(BUFFER, WINDOW)
    with pytest.raises(BadInput, match="at least 2 columns"):
        live.remove(0)
    for _ in range(MOST_COLUMNS - 2):
        live = live.add(BUFFER)
    with pytest.raises(BadInput, match="6 columns"):
        live.add(BUFFER)


def test_settings_change_in_mid_conversation_and_the_next_message_is_read_with_them() -> None:
    live = said(begun(BUFFER, WINDOW), *PLANTED[:3])
    changed = Column("ConversationBufferWindowMemory", {"k": 9}).open()
    live = said(live.change(1, changed, ""), PLANTED[3])
    turn = last(live).turns[1]
    assert turn
    assert turn.ai == "Your name is Alex."
    thread = live.experiments.store.thread(USER, live.columns[1].thread)
    assert thread
    assert thread.settings["k"] == 9


def test_deleting_takes_the_threads_along_and_restoring_brings_them_back() -> None:
    live = said(begun(BUFFER, WINDOW), "My name is Alex.")
    live.delete()
    assert live.experiments.listed() == []
    assert live.experiments.store.threads(USER) == []
    assert live.restore()
    assert [one.id for one in live.experiments.listed()] == [live.experiment.id]
    assert all(last(live).turns)


@pytest.mark.parametrize("for_good", [False, True])
def test_a_column_whose_thread_was_deleted_has_it_back_or_begins_anew(for_good: bool) -> None:
    live = said(begun(BUFFER, WINDOW), "one")
    store = live.experiments.store
    (store.purge if for_good else store.delete_thread)(USER, live.columns[0].thread)
    live = said(live, "two")
    assert [turn.human if turn else None for turn in last(live).turns] == ["two", "two"]
    assert [turn.index for turn in last(live).turns if turn] == [0 if for_good else 1, 1]


def test_a_link_brings_the_columns_and_no_word() -> None:
    live = said(begun(BUFFER, WINDOW), "a secret of mine")
    found = from_query(to_query(live.experiment))
    assert found.kind == "live"
    assert [replace(column, thread="") for column in live.columns] == list(found.columns)
    assert all(not column.thread for column in found.columns)


# --- side by side -----------------------------------------------------------------------------------------------------


def _turn(id: str, index: int, at: float = 0.0) -> Turn:
    return Turn(id, (Message("human", f"said {id}"),), at=at, index=index)


@pytest.mark.parametrize(
    ("columns", "order"),
    [
        (["abc", "ac"], "abc"),
        (["ac", "abc"], "abc"),
        (["bc", "abc"], "abc"),
        (["", "ab", "b"], "ab"),
        (["ab", "abd", "abcd"], "abcd"),
    ],
)
def test_rounds_are_in_the_order_of_the_conversation_whoever_missed_one(columns: Sequence[str], order: str) -> None:
    turns = [[_turn(id, place) for place, id in enumerate(column)] for column in columns]
    assert "".join(one.id for one in rounds_of(turns)) == order


def test_an_answer_given_again_stays_in_its_round() -> None:
    first, second = rounds_of([[_turn("a", 0), _turn("b-12ab", 1)], [_turn("a", 0), _turn("b", 1)]])
    assert (first.id, second.id) == ("a", "b")
    assert all(second.turns)


# --- who still knew it ------------------------------------------------------------------------------------------------


def test_the_message_that_answers_a_question_is_suggested_and_nothing_for_what_asks_nothing() -> None:
    assert suggest(PLANTED[:3], "Where do I live?") == 1
    assert suggest(PLANTED[:3], "What is my name?") == 0
    assert suggest(PLANTED[:3], "I have a dog.") is None
    assert suggest(PLANTED[:3], "Can you recommend a book?") is None
    assert suggest(["Do I like tea?", "I like tea."], "What do I like?") == 1
    assert suggest([], "What is my name?") is None


def test_each_column_says_whether_the_fact_was_in_its_prompt_and_why_not() -> None:
    live = said(begun(BUFFER, WINDOW), *PLANTED)
    assert knew(seen(live, 0), 0).state == "sent"
    missed = knew(seen(live, 1), 0)
    assert (missed.state, missed.why) == ("missing", "outside the last k=1 turns")
    assert knew(seen(live, 0), 3).state == "ahead"


def test_a_fact_that_only_a_summary_holds_is_neither_in_the_prompt_nor_lost() -> None:
    live = said(begun(SUMMARY, WINDOW), *PLANTED)
    found = knew(seen(live, 0), 0)
    assert found.state == "gist"
    assert found.overlap
    assert found.overlap >= 0.5


# --- figures ----------------------------------------------------------------------------------------------------------


def test_figures_say_what_was_sent_what_was_left_out_and_what_it_took() -> None:
    live = said(begun(BUFFER, WINDOW), *PLANTED)
    whole, window = track(live, 0).figures[-1], track(live, 1).figures[-1]
    assert whole
    assert window
    assert (whole.sent, whole.left_out) == (3, 0)
    assert (window.sent, window.left_out) == (1, 2)
    assert whole.input_tokens > window.input_tokens > 0
    assert whole.cost
    spent = track(live, 0).spent(cached=False)
    assert all(isinstance(cost, Decimal) for cost in spent)
    assert sorted(spent, key=lambda cost: cost or 0) == spent


def test_figures_are_read_on_from_where_they_were_and_anew_where_a_turn_was_replaced() -> None:
    live = said(begun(BUFFER, WINDOW), "one", "two")
    first = track(live, 0)
    live = said(live, "three")
    opened = live.read().opened[0]
    assert opened
    store = live.experiments.store
    assert first.up_to(store, USER, opened) == track(live, 0)
    live.again(0, last(live)).join(PATIENCE)
    opened = live.read().opened[0]
    assert opened
    assert first.up_to(store, USER, opened).rounds == track(live, 0).rounds


def test_a_price_that_is_not_known_stays_unknown_from_there_on() -> None:
    live = said(begun(BUFFER, WINDOW), "one", "two")
    known = track(live, 0)
    figures = known.figures[0]
    assert figures
    unknown = replace(known, figures=(replace(figures, cost=None), known.figures[1]))
    assert unknown.spent(cached=True) == [None, None]
    assert None not in unknown.spent(cached=False)


def test_preferences_speak_where_a_column_has_no_model_of_its_own() -> None:
    live = replace(begun(BUFFER, replace(WINDOW, model="echo")), preferences=Preferences(instructions="Be brief."))
    live = said(live, "Hello there.")
    assert [live.conversation(column).models.chat for column in live.columns] == ["demo", "echo"]
    assert seen(live, 0).instructions == "Be brief."


def test_a_thread_written_before_there_were_comparisons_is_no_column() -> None:
    assert Thread("t").experiment == ""
    assert isinstance(BUFFER.open(), Memory)


def test_a_picture_goes_to_every_column_and_along_into_the_chat_and_into_a_new_column() -> None:
    live = begun(BUFFER, WINDOW)
    live, jobs = live.send("Our holiday.", [beach()])
    for job in jobs:
        job.join(PATIENCE)
    live = said(live, "What was in the picture?")
    store, picture = live.experiments.store, beach()[0]
    assert [turn.ai if turn else "" for turn in last(live).turns] == [
        "The picture beach.png shows mainly blue and beige."
    ] * 2
    live = live.add(SUMMARY)
    copy = live.into_chat(0)
    for thread in (*(column.thread for column in live.columns), copy.id):
        assert store.picture(USER, thread, picture.id) == beach()[1]
    first = live.read().rounds[0]
    assert first.pictures == (picture,)
    assert first.query.startswith("Our holiday.\nThe picture beach.png")


def test_a_column_that_missed_a_picture_is_given_it_when_it_is_asked_again() -> None:
    live = begun(BUFFER, WINDOW)
    live, jobs = live.send("", [beach()])
    for job in jobs:
        job.join(PATIENCE)
    store, second = live.experiments.store, live.columns[1].thread
    assert live.experiment.title == "beach.png"
    store.drop_pictures(USER, second, [beach()[0].id])
    missed = replace(live.read().rounds[0], turns=(live.read().rounds[0].turns[0], None))
    live.again(1, missed).join(PATIENCE)
    assert store.picture(USER, second, beach()[0].id) == beach()[1]
