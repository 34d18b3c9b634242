"""Maintenance on demand and in the background: its price beforehand, once whoever else tries, and what a model says.

python -m pytest tests/longterm/test_upkeep.py
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from memory import upkeep, worker
from memory.common.extract import Nothing
from memory.conversation import Conversation
from memory.demo import DemoChatModel
from memory.demo.pairs import pairs
from memory.longterm import judging
from memory.longterm.editing import add
from memory.longterm.facts import Fact
from memory.longterm.judging import Contradiction, Duplicate, groups, judged
from memory.longterm.maintenance import Verdict
from memory.longterm.maintenance_log import entries, undo
from memory.preferences import Preferences
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from memory.services import Models
from memory.store import Store
from memory.upkeep import EVERY_SECONDS, Upkeep
from tests.memory.fakes import FakeChat, FakeModels, conversation, new_user

SAID = ("The user lives in Oslo.", "The user moved to Lisbon.", "The user likes tea.", "The user really likes tea.")


class _Calls(FakeChat):
    """Calls the tools that a function of the prompt names, each with its arguments."""

    named: Any

    def _stream(self, messages: list[BaseMessage], *rest: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        parts = [
            tool_call_chunk(name=name, args=json.dumps(args), id=f"call-{place}", index=place)
            for place, (name, args) in enumerate(self.named(messages))
        ]
        yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=parts))


def _pair(first: int, second: int) -> dict[str, int]:
    return {"first": first, "second": second}


def talk_of(store: Store, spec: str) -> Conversation:
    talk = conversation(store, spec)
    retrieval = Retrieval(embedding("hashing"), InMemoryVectors())
    return Conversation(store, talk.user, talk.thread, talk.memory, Models(), retrieval=retrieval)


def kept(store: Store, user: str = "", models: Models | None = None) -> Upkeep:
    """Return the maintenance of a user; each has its own view of the items, as processes have."""
    return Upkeep(store, user or new_user(), models or Models(), Retrieval(embedding("hashing"), InMemoryVectors()))


def filled(store: Store, *said: str, models: Models | None = None) -> Upkeep:
    made = kept(store, models=models)
    items = made.retrieval.items(store.shelf, made.user, lambda call: None)
    for text in said:
        add(items, "Memory", {"content": text})
    return made


def facts(made: Upkeep) -> list[str]:
    items = made.retrieval.items(made.store.shelf, made.user, lambda call: None)
    return sorted(str(item.value["content"]["content"]) for item in items.search(("facts",), filter={"kind": "Memory"}))


def test_the_demo_model_names_what_says_the_same_and_what_cannot_both_hold() -> None:
    assert pairs(list(enumerate(SAID, 1))) == [("contradiction", 1, 2), ("same", 3, 4)]
    model = DemoChatModel().bind_tools([Duplicate, Contradiction, Nothing])
    answer = model.invoke([HumanMessage("Known memories:\n[1] The user lives in Oslo.\n[2] Ulla lives in Rome.")])
    assert [call["name"] for call in answer.tool_calls] == ["Nothing"]


def test_the_price_is_known_before_and_rules_alone_cost_nothing(store: Store) -> None:
    made = filled(store, *SAID, "the user likes Tea")
    before = made.estimate()
    assert (before.calls, before.turns) == (1, 5)
    assert before.cost
    assert before.tokens > 100
    rules = made.run(ask=False)
    assert rules
    assert (rules.actions, rules.calls, rules.cost) == (1, 0, Decimal(0))
    asked = made.run(ask=True)
    assert asked
    assert (asked.actions, asked.calls, asked.errors) == (2, 1, ())
    assert asked.cost
    assert facts(made) == ["The user moved to Lisbon.", "The user really likes tea."]
    assert made.last() == asked


def test_what_the_model_has_seen_is_not_shown_to_it_again_and_what_changed_is(store: Store) -> None:
    made = filled(store, *SAID)
    made.run(ask=True)
    assert made.estimate().calls == 0
    again = made.run(ask=True)
    assert again
    assert (again.actions, again.calls) == (0, 0)
    add(
        made.retrieval.items(store.shelf, made.user, lambda call: None), "Memory", {"content": "The user's cat is Mog."}
    )
    assert (made.estimate().calls, made.estimate().turns) == (1, 1)


def test_what_the_model_makes_up_is_lost_and_told_and_the_rest_is_done(store: Store) -> None:
    def named(messages: Any) -> Any:
        return [("Duplicate", {"first": 1, "second": 9}), ("Duplicate", {"first": "x"}), ("Duplicate", _pair(3, 4))]

    models = FakeModels(talker=FakeChat(), writer=_Calls(named=named))
    made = filled(store, *SAID, models=models)
    done = made.run(ask=True)
    assert done
    assert done.actions == 1
    assert len(done.errors) == 2
    assert facts(made) == ["The user lives in Oslo.", "The user moved to Lisbon.", "The user really likes tea."]


def test_a_model_that_fails_leaves_the_rules_to_do_what_they_can_and_is_asked_again(store: Store) -> None:
    models = FakeModels(talker=FakeChat(), writer=FakeChat(answer=[RuntimeError("tired"), "nothing of use"]))
    made = filled(store, *SAID, "the user likes Tea", models=models)
    done = made.run(ask=True)
    assert done
    assert (done.actions, len(done.errors)) == (1, 1)
    assert made.estimate().calls == 1


def test_facts_that_are_too_many_to_be_shown_all_are_shown_beside_those_like_them() -> None:
    many = [Fact(f"f{n}", ("facts",), "Memory", {"content": f"Thing {n}."}, (), float(n)) for n in range(100)]
    asked: list[str] = []

    def near(fact: Fact) -> list[str]:
        asked.append(fact.key)
        return [fact.key, "f3", "f4", "elsewhere"]

    assert [[one.key for one in found] for found in groups(many, {"f70"}, near)] == [["f3", "f4", "f70"]]
    assert asked == ["f70"]
    assert groups(many, set(), near) == []
    assert groups(many[:1], {"f0"}, near) == []
    assert [len(found) for found in groups(many[:40], {"f0"}, near)] == [40]
    shown = groups(many, {one.key for one in many}, near)
    assert all(2 <= len(found) <= judging.TOGETHER for found in shown)


def test_two_processes_at_once_do_it_once(store: Store) -> None:
    gate, calls = threading.Event(), [0]

    def named(messages: Any) -> Any:
        calls[0] += 1
        gate.wait(30)
        return [("Duplicate", _pair(3, 4))]

    models = FakeModels(talker=FakeChat(), writer=_Calls(named=named))
    first = filled(store, *SAID, models=models)
    others = [kept(store, first.user, models) for _ in range(3)]
    results: list[object] = []
    threads = [threading.Thread(target=lambda one=one: results.append(one.run(ask=True))) for one in (first, *others)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    # The others find out at once that somebody does it; who does it waits at the gate.
    while sum(thread.is_alive() for thread in threads) > 1:
        time.sleep(0.01)
    gate.set()
    for thread in threads:
        thread.join(30)
    assert calls[0] == 1
    assert sum(result is not None for result in results) == 1
    assert len(facts(first)) == 3


def test_what_others_write_meanwhile_is_kept_and_shown_to_the_model_next(store: Store) -> None:
    texts = [*SAID]

    def named(messages: Any) -> Any:
        if len(texts) == len(SAID):
            texts.append("The user owns a boat.")
            add(made.retrieval.items(store.shelf, made.user, lambda call: None), "Memory", {"content": texts[-1]})
        return [("Duplicate", _pair(3, 4))]

    made = filled(store, *SAID, models=FakeModels(talker=FakeChat(), writer=_Calls(named=named)))
    done = made.run(ask=True)
    assert done
    assert done.actions == 1
    assert "The user owns a boat." in facts(made)
    assert made.estimate().calls == 1


def test_in_the_background_it_runs_once_a_day_as_the_user_wants_it(store: Store) -> None:
    talk = talk_of(store, "collection:formation=active")
    items = talk.services().items
    for _ in range(2):
        add(items, "Memory", {"content": "The user likes tea."})
    Preferences(maintenance="off").save(store, talk.user)
    upkeep.due(talk)
    assert entries(items.snapshot()[1]) == []
    Preferences().save(store, talk.user)
    upkeep.due(talk)
    assert [entry.kind for entry in entries(items.snapshot()[1])] == ["merge"]
    add(items, "Memory", {"content": "the user likes tea"})
    upkeep.due(talk)
    assert len(entries(items.snapshot()[1])) == 1
    made = Upkeep(store, talk.user, talk.models, talk.retrieval)
    assert made.run(ask=False, every=EVERY_SECONDS) is None
    assert made.run(ask=False, every=0.0)
    assert len(entries(items.snapshot()[1])) == 2


def test_a_turn_plans_it_for_a_memory_that_lasts_and_for_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[str] = []
    monkeypatch.setattr(upkeep, "due", lambda talk: planned.append(talk.memory.short))
    for spec in ("window:k=2", "collection", "combined:memories=window(k=1)+profile"):
        talk = talk_of(store, spec)
        monkeypatch.setattr(upkeep, "REST_SECONDS", 0.0)
        upkeep.rested(talk, 0.0)
        if timer := upkeep._timers.get(talk.user):
            timer.join(10)
    assert planned == ["collection", "combined"]
    rested: list[str] = []
    monkeypatch.setattr(upkeep, "rested", lambda talk: rested.append(talk.thread))
    talk = talk_of(store, "collection")
    worker.start(talk, "I work at Acme.").join(20)
    assert rested == [talk.thread]


def test_judging_reports_to_services_what_is_no_pair(store: Store) -> None:
    made = kept(
        store, models=FakeModels(talker=FakeChat(), writer=_Calls(named=lambda seen: [("Duplicate", _pair(1, 1))]))
    )
    services = made._services()
    two = [Fact(key, ("facts",), "Memory", {"content": key}) for key in ("f1", "f2")]
    assert judged(services, [two]) == []
    assert "[1] and [1]" in services.errors[0]
    made = kept(
        store, models=FakeModels(talker=FakeChat(), writer=_Calls(named=lambda seen: [("Contradiction", _pair(2, 1))]))
    )
    assert judged(made._services(), [two]) == [Verdict("f2", "f1", "contradiction")]


def test_a_turned_choice_stays_turned(store: Store) -> None:
    made = filled(store, *SAID[:2])
    made.run(ask=True)
    items = made.retrieval.items(store.shelf, made.user, lambda call: None)
    (entry,) = entries(items.snapshot()[1])
    undo(items, entry.id, time.time())
    assert facts(made) == sorted(SAID[:2])
    done = made.run(ask=True)
    assert done
    assert (done.actions, facts(made)) == (0, sorted(SAID[:2]))
