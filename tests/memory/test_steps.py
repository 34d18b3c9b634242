"""Step mode: a turn waits before each of its steps, says what will come, and loses nothing wherever it is left.

python -m pytest tests/memory/test_steps.py
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from memory import exchange, threads, worker
from memory.base import State, replay
from memory.conversation import Conversation
from memory.edited_prompt import added, from_text, reworded
from memory.errors import BadInput, ThreadGone
from memory.forgetting.removal import take_out_turn
from memory.inspection.inspect import inspect
from memory.prompt import PromptMessage
from memory.reply import Reply
from memory.services import Models
from memory.steps import STEPS, BeforeModel, BeforePrompt, BeforeRead, BeforeWrite
from memory.store import Store
from memory.stores.inmemory import InMemoryStore
from memory.trace import Step, prompt_of, text_hash
from memory.worker import Job, resume, running, start, stop_all
from tests.memory.fakes import (
    ENCODING,
    Away,
    FakeServices,
    conversation,
    numbered,
    say,
    state_json,
    traces_of,
    turns_of,
    with_tools,
)
from tests.openai_server import Server, openai_server


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.005)


def paused(job: Job, step: Step) -> Job:
    """Wait until a turn has stopped before a step."""
    until(lambda: job.done or (job.status == "paused" and job.before and job.before.step == step))
    assert not job.done, (job.status, job.error)
    return job


def ended(job: Job) -> Job:
    job.join(15)
    assert job.done
    return job


def stepped(talk: Conversation, query: str, step: Step, replaces: str | None = None) -> Job:
    """Have a message answered up to a step."""
    job = start(talk, query, replaces, stepped=True)
    for one in STEPS[: STEPS.index(step)]:
        paused(job, one).next(one)
    return paused(job, step)


def model_of(job: Job) -> BeforeModel:
    assert isinstance(job.before, BeforeModel)
    return job.before


def seen_by(talk: Conversation) -> list[Any]:
    """Return the prompts that the model has got."""
    seen: list[Any] = talk.models.talker.seen  # type: ignore[attr-defined]
    return seen


@pytest.fixture
def talk(store: Store) -> Conversation:
    """A conversation of three turns with a summary, whose model is asked at each write."""
    talk = conversation(store, "summary", instructions="Be brief.")
    say(talk, "My name is Alex.", "I live in Oslo.", "I like tea.")
    seen_by(talk).clear()
    return talk


# What each stop tells


def test_the_stop_before_reading_tells_what_the_memory_will_be_asked(talk: Conversation) -> None:
    before = stepped(talk, "What is my name?", "read").before
    assert isinstance(before, BeforeRead)
    assert (before.memory, before.turns, before.covered, before.notes) == ("Summary", 3, 3, 1)
    assert before.settings["summarize_step"] == 1
    assert before.budget == 8192 - 1024 - 3 - 5
    assert before.calls == ()
    assert len(turns_of(talk)) == 3
    stop_all()


def test_the_stop_after_reading_tells_what_was_recalled_and_left_out(talk: Conversation) -> None:
    before = stepped(talk, "What is my name?", "prompt").before
    assert isinstance(before, BeforePrompt)
    assert [item.ref for item in before.recall.items] == ["summary:3"]
    assert [left.turns for left in before.recall.left_out] == [(0, 3)]
    assert (before.instructions, before.query, before.turns) == (3, 5, 3)
    stop_all()


def test_the_stop_before_the_model_has_the_exact_prompt_and_its_price(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "model")
    before = model_of(job)
    assert [message.type for message in before.messages] == ["system", "system", "human"]
    assert before.tokens == sum(message.tokens for message in before.messages)
    assert (before.window, before.edited, before.priced_as) == (8192, False, "openai:gpt-5-mini")
    assert before.cost
    assert seen_by(talk) == []
    job.next()
    paused(job, "write")
    assert [(m.type, m.text) for m in seen_by(talk)[0]] == [(m.type, m.content) for m in before.messages]
    ended_at_once = ended_by_stop(job)
    assert ended_at_once.status == "complete"


def ended_by_stop(job: Job) -> Job:
    job.stop()
    return ended(job)


def test_the_stop_before_writing_tells_which_call_the_memory_will_make(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "write")
    before = job.before
    assert isinstance(before, BeforeWrite)
    assert before.turn.ai == job.text
    assert (before.covered, before.turns, before.notes) == (3, 4, ("summary:4",))
    assert [call.purpose for call in before.calls] == ["summary"]
    assert before.calls[0].cost
    writes = len(talk.models.writer.seen)  # type: ignore[attr-defined]
    job.next()
    assert ended(job).status == "complete"
    assert len(talk.models.writer.seen) == writes + 1  # type: ignore[attr-defined]


def test_a_memory_that_keeps_no_notes_says_so_before_it_writes(memory_store: InMemoryStore) -> None:
    job = stepped(conversation(memory_store, "window"), "Hello.", "write")
    assert isinstance(job.before, BeforeWrite)
    assert (job.before.stateful, job.before.calls, job.before.notes) == (False, (), ())
    job.next()
    assert ended(job).status == "complete"


def test_a_plug_in_that_cannot_say_what_it_will_write_is_told(talk: Conversation, monkeypatch: Any) -> None:
    def fails(*args: Any) -> State:
        raise KeyError("oops")

    monkeypatch.setattr(talk.memory, "write", fails)
    job = stepped(talk, "Hello.", "write")
    assert isinstance(job.before, BeforeWrite)
    assert job.before.problem == "KeyError: 'oops'"
    job.next()
    assert ended(job).status == "complete"


# Going through, and leaving


def same_as_unstepped(talk: Conversation, job: Job) -> None:
    """Check that a stepped turn left behind what a plain one does."""
    assert ended(job).status == "complete"
    turn, trace = turns_of(talk)[-1], traces_of(talk)[-1]
    assert (turn.human, turn.status) == ("What is my name?", "complete")
    assert talk.opened().pending == ()
    assert trace.after
    assert "prompt" not in trace.texts
    assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns_of(talk), FakeServices()))
    assert len(seen_by(talk)) == 1
    assert running(talk.user, talk.thread) == []


def test_a_turn_gone_through_step_by_step_is_as_any_other(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "write")
    job.next("write")
    same_as_unstepped(talk, job)


@pytest.mark.parametrize("step", STEPS)
def test_leaving_step_mode_at_a_step_finishes_the_turn(talk: Conversation, step: Step) -> None:
    job = stepped(talk, "What is my name?", step)
    job.run_on()
    same_as_unstepped(talk, job)


@pytest.mark.parametrize("step", STEPS)
def test_stopping_at_a_step_sends_nothing_more_and_keeps_what_was_answered(talk: Conversation, step: Step) -> None:
    job = stepped(talk, "What is my name?", step)
    own = talk.store.totals(talk.user, talk.thread).own.calls
    job.stop()
    ended(job)
    assert talk.opened().pending == ()
    assert talk.store.totals(talk.user, talk.thread).own.calls == own
    if step != "write":
        assert (job.status, job.error, seen_by(talk)) == ("withdrawn", None, [])
        assert len(turns_of(talk)) == 3
    else:
        assert (job.status, turns_of(talk)[-1].status) == ("complete", "complete")
        assert talk.opened().state.covered == 3
    # The next turn finds everything, and the memory takes in what it has not seen.
    say(talk, "And now?")
    assert talk.opened().state.covered == len(turns_of(talk)) == (5 if step == "write" else 4)
    assert state_json(talk.opened().state) == state_json(replay(talk.memory, turns_of(talk), FakeServices()))


@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_ends_at_a_step_leaves_the_message_to_be_sent_again(talk: Conversation, step: Step) -> None:
    job = stepped(talk, "What is my name?", step)
    until(lambda: step == "write" or [one.step for one in talk.opened().pending] == [step])
    stop_all()
    assert ended(job).status == ("complete" if step == "write" else "left")
    if step == "write":
        assert (turns_of(talk)[-1].human, talk.opened().pending) == ("What is my name?", ())
        return
    (pending,) = talk.opened().pending
    assert (pending.query, seen_by(talk)) == ("What is my name?", [])
    again = resume(talk, pending, stepped=True)
    paused(again, "read").run_on()
    same_as_unstepped(talk, again)
    assert turns_of(talk)[-1].id == job.id


@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_is_killed_at_a_step_loses_nothing(talk: Conversation, step: Step) -> None:
    """What it leaves behind is what is in the store while it waits: another worker takes the turn over."""
    killed = stepped(talk, "What is my name?", step)
    opened = talk.opened()
    if step == "write":
        assert (opened.pending, turns_of(talk)[-1].ai) == ((), killed.text)
        assert say(talk, "And now?").trace
        assert talk.opened().state.covered == 5
    else:
        worker._forget(killed)  # as in the process after it, which knows of no job
        assert ended(resume(talk, opened.pending[0])).status == "complete"
        assert [turn.human for turn in turns_of(talk)].count("What is my name?") == 1
        killed.run_on()
        assert ended(killed).status == "complete"
        assert killed.reply.turn == turns_of(talk)[-1]
        assert len(seen_by(talk)) == 1, "what another has answered is not asked again"
    stop_all()


def test_an_answer_given_again_can_be_stepped_and_taken_back(talk: Conversation) -> None:
    last = turns_of(talk)[-1]
    job = stepped(talk, last.human, "model", last.id)
    job.stop()
    assert ended(job).status == "withdrawn"
    assert turns_of(talk)[-1] == last
    again = stepped(talk, last.human, "write", last.id)
    assert turns_of(talk)[-1].earlier == (last.ai,)
    again.next()
    assert ended(again).status == "complete"
    assert talk.opened().state.covered == 3


# While it waits


def test_a_paused_turn_is_not_taken_for_lost(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_BEAT", 0.02)
    job = stepped(talk, "What is my name?", "model")
    first = talk.opened().pending[0]
    until(lambda: talk.opened().pending[0].beat > first.beat + 0.2)
    assert talk.opened().pending[0].step == "model"
    job.stop()
    ended(job)


def test_two_tabs_that_press_next_at_one_stop_go_on_by_one_step(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "read")
    assert running(talk.user, talk.thread) == [job]
    job.next("read")
    paused(job, "prompt")
    job.next("read")  # the other tab still shows the stop before
    time.sleep(0.1)
    assert (job.status, job.before and job.before.step) == ("paused", "prompt")
    job.run_on()
    assert ended(job).status == "complete"


def test_a_turn_that_nobody_steps_on_is_left_unsent_and_an_answered_one_goes_on(
    talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = stepped(talk, "one", "write")
    monkeypatch.setattr(worker, "HOLD_SECONDS", 0.0)
    left = ended(start(talk, "two", stepped=True))
    assert (left.status, [one.query for one in talk.opened().pending]) == ("left", ["two"])
    assert len(seen_by(talk)) == 1
    write.next()
    assert ended(write).status == "complete"
    monkeypatch.setattr(worker, "HOLD_SECONDS", 30.0)
    answered = stepped(talk, "three", "model")
    monkeypatch.setattr(worker, "HOLD_SECONDS", 0.0)
    answered.next()
    assert ended(answered).status == "complete"
    assert talk.opened().state.covered == 5


def test_only_so_many_turns_are_paused_at_once(memory_store: InMemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MOST_HELD", 2)
    talks = [conversation(memory_store, "summary") for _ in range(4)]
    jobs = [stepped(talk, "one", step) for talk, step in zip(talks, ("write", "model", "read", "read"), strict=True)]
    assert [ended(job).status for job in jobs[:2]] == ["complete", "left"]
    assert talks[0].opened().state.covered == 1
    assert [one.query for one in talks[1].opened().pending] == ["one"]
    assert [job.status for job in jobs[2:]] == ["paused", "paused"]
    (pending,) = talks[1].opened().pending
    paused(resume(talks[1], pending, stepped=True), "read")
    assert ended(jobs[2]).status == "left"
    assert jobs[3].status == "paused"
    stop_all()


def test_what_another_tab_says_meanwhile_is_read_before_it_goes_on(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "read")
    say(talk, "I moved to Rome.")
    job.next()
    before = paused(job, "prompt").before
    assert isinstance(before, BeforePrompt)
    assert before.turns == 4
    say(talk, "And to Paris.")
    job.run_on()
    assert ended(job).status == "complete"
    assert (traces_of(talk)[-1].turn, traces_of(talk)[-1].read_length) == (5, 4)
    assert talk.opened().state.covered == 6


@pytest.mark.parametrize("step", STEPS[1:3])
def test_what_was_cleared_while_a_turn_waits_is_never_sent(talk: Conversation, step: Step) -> None:
    job = stepped(talk, "What is my name?", step)
    talk.store.clear(talk.user, talk.thread)
    job.next()
    assert ended(job).status == "failed"
    assert "Nothing was sent" in str(job.error)
    assert (seen_by(talk), turns_of(talk)) == ([], [])


@pytest.mark.parametrize("step", STEPS)
def test_a_thread_deleted_while_a_turn_waits_is_asked_nothing(talk: Conversation, step: Step) -> None:
    job = stepped(talk, "What is my name?", step)
    talk.store.delete_thread(talk.user, talk.thread)
    asked = len(seen_by(talk))
    job.run_on()
    assert ended(job).status == "failed"
    assert isinstance(job.error, ThreadGone)
    assert len(seen_by(talk)) == asked


def test_a_message_that_another_tab_discards_is_not_sent(talk: Conversation) -> None:
    for step in STEPS[:3]:
        job = stepped(talk, "What is my name?", step)
        talk.store.drop_pending(talk.user, talk.thread, job.id)
        job.next()
        assert ended(job).status == "failed"
        assert isinstance(job.error, BadInput)
    assert seen_by(talk) == []


@pytest.mark.parametrize("step", STEPS)
def test_with_the_store_away_a_paused_turn_waits_on(store: Store, step: Step) -> None:
    away = Away(store)
    talk = conversation(away, "summary")  # type: ignore[arg-type]
    say(talk, "My name is Alex.")
    seen_by(talk).clear()
    job = stepped(talk, "What is my name?", step)
    away.away = True
    job.next(step)
    until(lambda: job.status == ("saving" if step == "write" else "paused"))
    time.sleep(0.1)
    assert not job.done
    assert len(seen_by(talk)) == (1 if step == "write" else 0)
    away.away = False
    job.run_on()
    same_as_unstepped(talk, job)


def test_an_answer_that_the_store_does_not_take_waits_for_it_and_then_at_the_write(store: Store) -> None:
    away = Away(store)
    talk = conversation(away, "summary")  # type: ignore[arg-type]
    job = stepped(talk, "What is my name?", "model")
    away.away = "append"
    job.next()
    until(lambda: job.status == "saving")
    away.away = False
    paused(job, "write").next()
    same_as_unstepped(talk, job)


def test_a_model_that_fails_after_the_stop_keeps_the_turn(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "window", lambda messages: iter(["Once ", ConnectionError("gone")]))
    job = stepped(talk, "Tell me a story.", "write")
    assert isinstance(job.before, BeforeWrite)
    assert (job.before.turn.status, job.before.turn.ai) == ("failed", "Once ")
    job.next()
    assert ended(job).status == "complete"


def test_a_stop_while_the_model_speaks_keeps_what_it_said_and_waits_no_more(talk: Conversation) -> None:
    gate = threading.Event()

    def slow(messages: list[Any]) -> Iterator[str]:
        yield "Once "
        gate.wait(20)

    talk.models.talker.answer = slow  # type: ignore[attr-defined]
    job = stepped(talk, "Tell me a story.", "model")
    job.next()
    until(lambda: job.text)
    job.stop()
    assert ended(job).status == "complete"
    assert (turns_of(talk)[-1].status, turns_of(talk)[-1].ai) == ("stopped", "Once ")
    assert talk.opened().state.covered == 4
    gate.set()


# The prompt is edited


def changed(job: Job) -> tuple[PromptMessage, ...]:
    """Reword the message, add one and remove the summary."""
    instructions, _, query = model_of(job).messages
    return instructions, added("system", "Answer in French.", ENCODING), reworded(query, "Who am I?", ENCODING)


def test_an_edited_prompt_is_what_is_sent_and_what_is_shown(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "model")
    messages = changed(job)
    job.edit(messages)
    before = model_of(job)
    assert (before.edited, before.messages) == (True, messages)
    assert before.tokens == sum(message.tokens for message in messages)
    job.run_on()
    ended(job)
    assert [(m.type, m.text) for m in seen_by(talk)[0]] == [
        ("system", "Be brief."),
        ("system", "Answer in French."),
        ("human", "Who am I?"),
    ]
    seen = inspect(talk.store, talk.user, talk.thread, 3, 4)
    assert seen
    assert (seen.rebuilt.edited, seen.rebuilt.exact, seen.rebuilt.prompt.messages) == (True, True, messages)
    assert seen.turn.human == "What is my name?"
    assert seen.trace.segments == {"instructions": 3 + messages[1].tokens, "memory": 0, "history": 0, "query": 4}
    assert seen.trace.reply
    assert seen.trace.reply.estimate == seen.trace.prompt_tokens == before.tokens
    assert [item.ref for item in seen.trace.items] == ["summary:3"], "what was recalled stays told"
    assert "What is my name?" in talk.models.writer.prompts()[-1]  # type: ignore[attr-defined]


def test_what_is_changed_back_counts_as_not_edited(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "model")
    recalled = model_of(job).recalled
    job.edit(changed(job))
    job.edit(recalled)
    assert not model_of(job).edited
    job.run_on()
    same_as_unstepped(talk, job)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda sent: sent[:-1], "needs at least one message of the user"),
        (lambda sent: (), "needs at least one message of the user"),
        (lambda sent: (*sent, added("ai", " \n", ENCODING)), "Message 4 of the prompt is empty"),
        (lambda sent: (*sent, added("system", "word " * 9000, ENCODING)), "tokens; demo takes 8,192 with its answer"),
    ],
    ids=["no user", "nothing", "an empty message", "too long"],
)
def test_what_a_model_would_refuse_is_told_in_a_sentence_and_changes_nothing(
    talk: Conversation, edit: Callable[[tuple[PromptMessage, ...]], tuple[PromptMessage, ...]], problem: str
) -> None:
    job = stepped(talk, "What is my name?", "model")
    with pytest.raises(BadInput, match=problem):
        job.edit(edit(model_of(job).messages))
    assert not model_of(job).edited
    job.run_on()
    same_as_unstepped(talk, job)


def test_a_prompt_can_be_edited_only_while_the_model_comes_next(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "prompt")
    messages = (added("human", "Hi.", ENCODING),)
    with pytest.raises(BadInput, match="paused before the model"):
        job.edit(messages)
    job.run_on()
    ended(job)
    with pytest.raises(BadInput, match="paused before the model"):
        job.edit(messages)


def test_a_tools_result_goes_with_its_call_and_a_call_with_its_results(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "buffer")
    turn = with_tools(0, "Look it up.", "Found.", ["one", "two"])
    thread = threads.new(memory_store, talk.user, talk.memory)
    memory_store.extend(talk.user, thread.id, numbered([turn.messages]), traces_of(say_once(memory_store)))
    job = stepped(conversation(memory_store, "buffer", user=talk.user, thread=thread.id), "And?", "model")
    human, call, one, two, answer, query = model_of(job).messages
    job.edit((human, one, two, answer, query))
    assert [m.content for m in model_of(job).messages] == ["Look it up.", "Found.", "And?"]
    job.edit((human, call, two, answer, query))
    asked = model_of(job).messages[1]
    assert [part["id"] for part in asked.tool_calls] == [two.tool_call_id]
    assert asked.tokens < call.tokens
    job.edit((human, call, answer, query))
    assert [m.type for m in model_of(job).messages] == ["human", "ai", "human"]
    job.stop()
    ended(job)


def say_once(store: Store) -> Conversation:
    """Hold a conversation of one turn, for its trace."""
    talk = conversation(store, "buffer")
    say(talk, "one")
    return talk


def test_quoted_turns_are_edited_as_the_one_message_that_is_sent(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "vector")
    say(talk, "My cat is called Tom.", "I live in Oslo.")
    seen_by(talk).clear()
    job = stepped(talk, "What is my cat called?", "model")
    quoted, query = model_of(job).messages
    assert (quoted.item, quoted.type) == ("quotes", "system")
    assert quoted.tokens > 10
    job.edit((reworded(quoted, quoted.content.replace("Tom", "Tim"), ENCODING), query))
    job.run_on()
    ended(job)
    assert "Tim" in seen_by(talk)[0][0].text
    assert "Tom" not in seen_by(talk)[0][0].text


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with openai_server() as server:
        yield server


def test_a_real_model_gets_the_edited_prompt_byte_for_byte(
    memory_store: InMemoryStore, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    fake = conversation(memory_store, "window")
    say(fake, "My name is Alex.")
    models = Models(chat="openai:echo", key="sk-of-the-test")
    talk = Conversation(memory_store, fake.user, fake.thread, fake.memory, models, "Be brief.")
    text = 'Ünïcode 👩‍👩‍👧, "quotes", \\back\\slashes,\ttabs,\n\n  two lines; {braces} and\r\nreturns '
    job = stepped(talk, "What is my name?", "model")
    instructions, human, _, query = model_of(job).messages
    job.edit((reworded(instructions, text, ENCODING), human, added("ai", text * 2, ENCODING), query))
    job.run_on()
    assert ended(job).status == "complete", job.error
    assert [(m["role"], m["content"]) for m in server.requests[-1].body["messages"]] == [
        ("system", text),
        ("user", "My name is Alex."),
        ("assistant", text * 2),
        ("user", "What is my name?"),
    ]
    seen = inspect(memory_store, talk.user, talk.thread, 1, 2)
    assert seen
    assert [m.content for m in seen.rebuilt.prompt.messages][2] == text * 2


# What is kept of it


def edited_turn(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "model")
    job.edit(changed(job))
    job.run_on()
    assert ended(job).status == "complete"


def test_an_edited_prompt_goes_through_export_import_and_fork(talk: Conversation, memory_store: InMemoryStore) -> None:
    edited_turn(talk)
    trace = traces_of(talk)[-1]
    data = exchange.export_thread(talk.store, talk.user, talk.thread)
    (there,) = exchange.bring_in(memory_store, talk.user, exchange.read(data)).threads
    fork = threads.fork(talk.store, talk.user, talk.thread, 4)
    for store, thread in ((memory_store, there), (talk.store, fork.id)):
        seen = inspect(store, talk.user, thread, 3, 4)
        assert seen
        assert (seen.rebuilt.edited, seen.rebuilt.exact) == (True, True)
        assert seen.rebuilt.prompt.hash() == trace.prompt_hash
        assert "Answer in French." in [message.content for message in seen.rebuilt.prompt.messages]


def test_an_edited_prompt_whose_text_is_gone_is_said_not_to_be_exact(talk: Conversation) -> None:
    edited_turn(talk)
    trace = traces_of(talk)[-1]
    notes = {ref.rpartition("/")[2]: note for ref, note in talk.store.everything(talk.user, talk.thread)[0].items()}
    texts = talk.store.everything(talk.user, talk.thread)[1]
    whole = prompt_of(trace, turns_of(talk), notes, texts)
    assert (whole.exact, whole.edited) == (True, True)
    for damage in ({}, {trace.texts["prompt"]: "no JSON"}, {trace.texts["prompt"]: '[{"type": "robot"}]'}):
        rebuilt = prompt_of(trace, turns_of(talk), notes, {"": "", **damage})
        assert (rebuilt.exact, rebuilt.edited) == (False, True)
        assert "French" not in str(rebuilt.prompt)


def test_the_text_of_an_edited_prompt_stands_with_the_thread_by_its_hash(talk: Conversation) -> None:
    edited_turn(talk)
    trace = traces_of(talk)[-1]
    (text,) = talk.store.texts(talk.user, talk.thread, [trace.texts["prompt"]]).values()
    assert text_hash(text) == trace.texts["prompt"]
    prompt = from_text(text, ENCODING)
    assert prompt
    assert prompt.hash() == trace.prompt_hash
    assert trace.texts["instructions"]
    talk.store.clear(talk.user, talk.thread)
    assert talk.store.everything(talk.user, talk.thread) == ({}, {})


def test_counts_in_an_imported_prompt_are_not_believed() -> None:
    text = '[{"type":"human","content":"Hi.","segment":"query","item":"query","tokens":-5000,"why":"x"}]'
    prompt = from_text(text, ENCODING)
    assert prompt
    assert prompt.tokens == 2


def test_a_gate_that_stands_open_costs_nothing(memory_store: InMemoryStore) -> None:
    talk = conversation(memory_store, "summary")
    asked: list[object] = []
    reply = Reply(talk, "one", "turn1", None, None, lambda make: bool(asked.append(make)))
    list(reply)
    assert len(asked) == 4
    assert reply.turn == turns_of(talk)[0]


@pytest.mark.parametrize("index", [0, 3], ids=["the turn whose words it repeats", "its own turn"])
def test_forgetting_reaches_an_edited_prompt(talk: Conversation, index: int) -> None:
    job = stepped(talk, "What is my name?", "model")
    messages = model_of(job).messages
    job.edit((*messages[:-1], added("human", "My name is Alex.", ENCODING), messages[-1]))
    job.run_on()
    assert ended(job).status == "complete"
    assert "My name is Alex." in "".join(talk.store.everything(talk.user, talk.thread)[1].values())
    take_out_turn(talk.store, talk.user, talk.thread, index)
    assert "My name is Alex." not in "".join(talk.store.everything(talk.user, talk.thread)[1].values())
    seen = inspect(talk.store, talk.user, talk.thread, 3, 4)
    if index == 0:
        assert seen
        assert not seen.rebuilt.exact
        assert "Alex" not in str(seen.rebuilt.prompt)


def test_what_is_forgotten_while_a_turn_waits_is_not_sent(talk: Conversation) -> None:
    job = stepped(talk, "What is my name?", "model")
    take_out_turn(talk.store, talk.user, talk.thread, 0)
    job.next()
    assert ended(job).status == "failed"
    assert "forgotten" in str(job.error)
    assert seen_by(talk) == []
