"""What memories may use: a model that is asked once, tools, searches; for an estimate and for looking back too."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage
from pydantic import BaseModel

from memory.catalog import load
from memory.errors import BadInput, InspectorError, ModelFailed, StoreUnavailable
from memory.looking_back import FreeServices
from memory.retrieval.embeddings import Hashing
from memory.retrieval.index import Retrieval
from memory.services import EstimatingServices, ModelServices
from memory.store import Store, Thread, UserCache
from memory.stores.inmemory import InMemoryStore
from tests.memory.fakes import (
    ENCODING,
    Away,
    FakeChat,
    conversation,
    gist,
    new_user,
    plain,
    say,
    trace_of,
    traces_of,
)

ASKED = [HumanMessage("Summarise: Alex likes tea.")]


class Fact(BaseModel):
    """A fact about somebody."""

    subject: str
    fact: str


def kept(store: Store, user: str) -> UserCache:
    """Return the cache of a user who has a conversation."""
    store.put_thread(user, Thread("t1"))
    return UserCache(store, user, "t1")


def services(
    writer: FakeChat, cache: UserCache | None = None, kind: type[ModelServices] = ModelServices
) -> ModelServices:
    return kind(lambda: writer, "demo", "openai:gpt-5-mini", ENCODING, cache=cache)


def test_what_was_asked_before_in_the_same_words_is_not_asked_again(store: Store) -> None:
    writer, cache = FakeChat(answer=gist), kept(store, new_user())
    first = services(writer, cache)
    said = first.ask(ASKED, "summary", 100).text
    again = services(writer, cache)
    assert again.ask(ASKED, "summary", 100).text == said
    assert len(writer.seen) == 1
    paid, free = first.calls[0], again.calls[0]
    assert (free.reused, free.input_tokens, free.output_tokens, free.cost) == (True, 0, 0, Decimal(0))
    assert free.saved == paid.cost
    assert paid.cost
    assert not paid.reused


def test_another_prompt_another_model_and_another_user_are_asked_anew() -> None:
    store, writer, user = InMemoryStore(), FakeChat(answer=gist), new_user()
    services(writer, kept(store, user)).ask(ASKED, "summary", 100)
    services(writer, kept(store, user)).ask([HumanMessage("Another.")], "summary", 100)
    services(writer, kept(store, user)).ask(ASKED, "facts", 100, [Fact])
    services(writer, kept(store, new_user())).ask(ASKED, "summary", 100)
    other = ModelServices(lambda: writer, "openai:gpt-5", "openai:gpt-5", ENCODING, cache=kept(store, user))
    other.ask(ASKED, "summary", 100)
    assert len(writer.seen) == 5


def test_tool_calls_come_back_from_the_cache_as_they_were(store: Store) -> None:
    writer, cache = FakeChat(answer=gist), kept(store, new_user())
    first = services(writer, cache).ask(ASKED, "facts", 100, [Fact])
    again = services(writer, cache).ask(ASKED, "facts", 100, [Fact])
    assert len(writer.seen) == 1
    assert first.tool_calls == again.tool_calls
    assert set(first.tool_calls[0]["args"]) == {"subject", "fact"}


def test_a_cache_that_is_away_or_holds_rubbish_is_as_if_it_held_nothing() -> None:
    away, user, writer = Away(InMemoryStore()), new_user(), FakeChat(answer=gist)
    away.away = True
    asked = services(writer, UserCache(away, user, "t1"))  # type: ignore[arg-type]
    assert asked.ask(ASKED, "summary", 100).text
    with pytest.raises(StoreUnavailable):
        away.cached(user, "x")
    store = InMemoryStore()
    services(writer, kept(store, user)).ask(ASKED, "summary", 100)
    for key in list(store._cache[user]):
        store.put_cached(user, key, b"{", "t1", "")
    assert services(writer, kept(store, user)).ask(ASKED, "summary", 100).text
    assert len(writer.seen) == 3


def test_a_failed_call_is_not_kept() -> None:
    store, user = InMemoryStore(), new_user()

    def tired(messages: list[BaseMessage]) -> Exception:
        return ConnectionError("gone")

    with pytest.raises(ModelFailed):
        services(FakeChat(answer=tired), kept(store, user)).ask(ASKED, "summary", 100)
    writer = FakeChat(answer=gist)
    services(writer, kept(store, user)).ask(ASKED, "summary", 100)
    assert len(writer.seen) == 1


def test_an_estimate_counts_what_the_cache_knows_as_nothing() -> None:
    store, user, writer = InMemoryStore(), new_user(), FakeChat(answer=gist)
    known = services(writer, kept(store, user)).ask(ASKED, "summary", 100).text
    estimating = services(writer, kept(store, user), EstimatingServices)
    assert estimating.ask(ASKED, "summary", 100).text == known
    assert estimating.calls == []
    estimating.ask([HumanMessage("Something else.")], "summary", 100)
    assert [call.purpose for call in estimating.calls] == ["summary"]
    assert len(writer.seen) == 1


def test_an_estimate_survives_what_was_noted_in_a_wrong_form_and_not_what_is_away() -> None:
    estimating = services(FakeChat(), None, EstimatingServices)
    estimating.failed(InspectorError("1 of 1 things that the memory's model noted were lost."))
    assert len(estimating.errors) == 1
    with pytest.raises(StoreUnavailable):
        estimating.failed(StoreUnavailable("Chroma is away."))


def test_looking_back_asks_no_model() -> None:
    talk = conversation(InMemoryStore(), "window")
    trace = trace_of(say(talk, "one"))
    free = FreeServices.at(trace, talk.user, None)
    assert free.now == trace.at
    with pytest.raises(BadInput, match="without a model"):
        free.ask(ASKED, "summary", 100)
    assert len(free.rank([plain(0, "I like tea.", "Fine.")], "tea")) == 1


class Paid(Hashing):
    """An embedding that somebody is paid for; it counts how often it is asked."""

    name, real, priced_as = "paid", True, "openai:text-embedding-3-small"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def _vectors(self, texts: Sequence[str]) -> Any:
        self.asked += texts
        return super()._vectors(texts)


def test_looking_back_compares_by_words_where_meaning_would_cost() -> None:
    model = Paid()
    talk = conversation(InMemoryStore(), "vector", retrieval=Retrieval(model))
    trace = trace_of(say(talk, "I like tea.", "Which tea?"))
    free = FreeServices.at(trace, talk.user, talk.retrieval)
    asked, past = len(model.asked), talk.transcript(talk.opened())
    assert free.rank(past, "Which tea?").search == "hybrid"
    assert free.told == ()
    assert free.rank(past, "Something new?").search == "lexical"
    assert free.space(past, "Something new?") is None
    assert free.told == ("Looking back asks no paid model: here the turns are compared by their words alone.",)
    assert len(model.asked) == asked


def test_turns_that_were_summarised_before_are_summarised_once_also_in_another_thread() -> None:
    store, user, writer = InMemoryStore(), new_user(), FakeChat(answer=gist)
    one = conversation(store, "summary", FakeChat(answer=["A.", "B."]), writer, user=user, thread="one")
    two = conversation(store, "summary", FakeChat(answer=["A.", "B."]), writer, user=user, thread="two")
    say(one, "I like tea.", "And cake.")
    say(two, "I like tea.", "And cake.")
    assert len(writer.seen) == 2
    calls = [call for trace in traces_of(two) for call in trace.own_calls]
    assert [call.reused for call in calls] == [True, True]
    assert one.opened().state.notes == two.opened().state.notes
    assert store.totals(user, "two").own.cost == 0


def test_the_catalogue_says_which_memories_search() -> None:
    searching = {cls.short for cls in load().memories.values() if cls().retrieves}
    assert {"vector", "vector_token_buffer", "time_weighted", "attention", "combined"} <= searching
    assert not {"none", "buffer", "window", "summary", "last_input"} & searching
