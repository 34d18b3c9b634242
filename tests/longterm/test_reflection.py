"""Background formation: a conversation that has rested is reflected on, once, whoever else tries.

python -m pytest tests/longterm/test_reflection.py
"""

from __future__ import annotations

import threading
import time

import pytest

from memory import reflection, worker
from memory.base import Turn
from memory.conversation import Conversation
from memory.longterm.base_store import UserStore
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store, Thread
from tests.memory.fakes import FakeChat, FakeModels, conversation, new_user, say, traces_of

SPEC = "collection:formation=background"
TALK = ("I work at Acme.", "I like tea.", "My sister Ulla lives in Rome.")


def talk_of(store: Store, user: str = "", thread: str = "t1", spec: str = SPEC) -> Conversation:
    """Return a conversation with the demo model; each has its own view of the user's items, as processes have."""
    return conversation(store, spec, user=user, thread=thread, retrieval=Retrieval(embedding("hashing")))


def with_demo(talk: Conversation) -> Conversation:
    return Conversation(talk.store, talk.user, talk.thread, talk.memory, Models(), retrieval=talk.retrieval)


def facts(talk: Conversation) -> list[str]:
    store: UserStore = talk.services().items
    return sorted(str(item.value["content"]["content"]) for item in store.search(("facts",), filter={"kind": "Memory"}))


def test_a_turn_with_background_formation_asks_the_memorys_model_nothing(store: Store) -> None:
    talk = with_demo(talk_of(store))
    say(talk, *TALK)
    assert facts(talk) == []
    assert [call.purpose for trace in traces_of(talk) for call in trace.calls if call.purpose == "memories"] == []
    assert talk.opened().state.covered == 0


def test_a_reflection_takes_in_all_turns_and_says_what_it_cost(store: Store) -> None:
    talk = with_demo(talk_of(store))
    say(talk, *TALK)
    trace = reflection.reflect(talk)
    assert trace
    assert (trace.kind, [call.purpose for call in trace.calls].count("memories")) == ("reflect", 3)
    assert facts(talk) == [
        "The user likes tea.",
        "The user works at Acme.",
        "The user's sister Ulla lives in Rome.",
    ]
    assert [event.kind for event in store.events(talk.user, talk.thread)] == ["reflect"]
    assert reflection.reflect(talk) is None
    assert talk.opened().state.covered == 3


def test_a_conversation_is_reflected_on_when_it_has_rested(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = with_demo(talk_of(store))
    say(talk, *TALK[:2])
    reflection.rested(talk, 0.4)
    first = reflection.waiting(talk.user, talk.thread)
    assert first is not None
    assert 0 < first <= 0.4
    time.sleep(0.2)
    reflection.rested(talk, 0.4)  # somebody spoke: it begins to rest anew
    time.sleep(0.3)
    assert facts(talk) == []
    _until(lambda: facts(talk) == ["The user likes tea.", "The user works at Acme."])
    _until(lambda: reflection.waiting(talk.user, talk.thread) is None)


def test_the_workers_answers_are_reflected_on_by_themselves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[str] = []
    monkeypatch.setattr(reflection, "rested", lambda talk: planned.append(talk.thread))
    talk = with_demo(talk_of(store))
    worker.start(talk, "I work at Acme.").join(20)
    assert planned == [talk.thread]


def test_two_processes_that_reflect_at_once_pay_for_each_turn_once(store: Store) -> None:
    user = new_user()
    slow = [0]
    gate = threading.Event()

    def answer(messages: object) -> str:
        slow[0] += 1
        gate.wait(5)
        return f"fact {slow[0]}"

    models = FakeModels(talker=FakeChat(), writer=FakeChat(answer=answer))
    store.put_thread(user, Thread("t1", created=1.0, updated=1.0))
    talks = [
        Conversation(store, user, "t1", talk_of(store, user).memory, models, retrieval=Retrieval(embedding("hashing")))
        for _ in range(4)
    ]
    say(talks[0], "one", "two", "three")
    # What keeps one process from doing it twice must not be what keeps several from it.
    threads = [threading.Thread(target=_as_another_process, args=(talk,)) for talk in talks]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    gate.set()
    for thread in threads:
        thread.join(30)
    assert slow[0] == 3
    assert talks[0].opened().state.covered == 3
    assert len(facts(talks[0])) == 3


def _as_another_process(talk: Conversation) -> None:
    token = str(id(talk))
    services = talk.services()
    services.reflecting = True
    if reflection._claimed(talk, token):
        talk.catch_up(services, kind="reflect")
        reflection._released(talk, token)


def test_a_process_that_ended_in_the_middle_is_waited_for_no_longer_than_its_claim(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = with_demo(talk_of(store))
    say(talk, TALK[0])
    assert reflection._claimed(talk, "a process that ends")
    assert reflection.reflect(talk) is None
    later = time.time() + reflection.CLAIM_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert reflection.reflect(talk)
    assert facts(talk) == ["The user works at Acme."]


def test_turns_that_were_left_are_reflected_on_when_the_conversation_is_opened(store: Store) -> None:
    talk = with_demo(talk_of(store))
    say(talk, TALK[0])
    reflection.opened(talk, 0, 1)
    assert reflection.waiting(talk.user, talk.thread) is not None
    reflection.reflect(talk)
    assert reflection.waiting(talk.user, talk.thread) is None
    reflection.opened(talk, 1, 1)
    assert reflection.waiting(talk.user, talk.thread) is None


def test_a_failing_model_leaves_the_turns_for_the_next_reflection(store: Store) -> None:
    answers: list[object] = [RuntimeError("tired"), "a fact", "another"]
    models = FakeModels(talker=FakeChat(), writer=FakeChat(answer=answers))
    talk = talk_of(store)
    talk = Conversation(store, talk.user, talk.thread, talk.memory, models, retrieval=talk.retrieval)
    say(talk, "one", "two")
    trace = reflection.reflect(talk)
    assert trace
    assert trace.errors
    assert talk.opened().state.covered == 0
    assert reflection.reflect(talk)
    assert (talk.opened().state.covered, len(facts(talk))) == (2, 2)


def test_a_turn_that_is_answered_again_is_taken_in_again(store: Store) -> None:
    talk = with_demo(talk_of(store))
    say(talk, "I work at Acme.", "I like tea.")
    reflection.reflect(talk)
    last: Turn = store.turns(talk.user, talk.thread, 1, 2)[0]
    for _ in talk.reply("I like tea.", replaces=last.id):
        pass
    trace = reflection.reflect(talk)
    assert trace
    assert facts(talk) == ["The user likes tea.", "The user works at Acme."]


def _until(holds: object, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
