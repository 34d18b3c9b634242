"""A lesson is played by real jobs in a sandbox: once, to its end, whatever comes between; each step can be seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from memory import worker
from memory.errors import BadInput, ModelFailed
from memory.lessons.lesson import Lesson
from memory.lessons.live import Live
from memory.lessons.stage import Stage
from memory.services import Models
from memory.store import Store
from memory.stores.inmemory import InMemoryStore
from tests.lessons.small import lesson, played, say, stage_of
from tests.memory.fakes import FakeChat, FakeModels, new_user

NAME, CITY, DOG = say("My name is Alex."), say("I live in Oslo."), say("I have a dog.")


def steps(memory: str, *plays: list[dict[str, Any]], **more: Any) -> Lesson:
    """Make a lesson that plays a list of actions in each step."""
    pages = [{"title": f"Step {number}", "text": "", "play": play} for number, play in enumerate(plays, 1)]
    return lesson(memory, **{"steps": pages, **more})


def after(number: int, made: Lesson, **more: Any) -> Stage:
    """Return the stage on which the first steps of a lesson were played."""
    stage = stage_of(made, **more)
    for step in range(1, number + 1):
        stage.play(step).join()
    return stage


def said(stage: Stage) -> list[str]:
    return [turn.human for turn in stage.live().turns()]


# --- playing ----------------------------------------------------------------------------------------------------------


def test_each_answer_is_handed_to_whoever_watches_and_the_step_is_played_to_its_end(store: Store) -> None:
    stage = Stage(store, new_user(), lesson("window:k=1", NAME, CITY))
    jobs = list(stage.play(1))
    assert [(job.query, job.status) for job in jobs] == [(NAME["say"], "complete"), (CITY["say"], "complete")]
    assert stage.progress.played == (1,)
    assert [trace.read_length for trace in stage.live().traces()] == [0, 1]


def test_a_step_goes_on_from_those_before_it_and_is_played_once() -> None:
    stage = stage_of(steps("buffer", [NAME], [CITY]))
    with pytest.raises(BadInput, match="goes on from step 1"):
        stage.play(2)
    for _ in range(2):
        stage.play(1).join()
    assert said(stage) == [NAME["say"]]


def test_a_step_that_is_played_already_is_watched_and_not_played_twice() -> None:
    stage = stage_of(lesson("buffer", NAME, CITY), models=Models(delay=0.02))
    other = Stage(stage.store, stage.owner, stage.lesson, stage.make_models, stage.retrieval)
    first, second = stage.play(1), other.play(1)
    assert first is second
    assert [job.query for job in second] == [NAME["say"], CITY["say"]]
    assert len(said(stage)) == 2
    assert stage.playing is None


def test_a_step_that_a_model_stopped_goes_on_where_it_was() -> None:
    talker = FakeChat(answer=["Hello.", RuntimeError("away"), "Nice city.", "Woof."])
    stage = stage_of(lesson("buffer", NAME, CITY, DOG), models=FakeModels(talker=talker))
    with pytest.raises(ModelFailed):
        stage.play(1).join()
    assert stage.progress.played == ()
    assert stage.progress.done == 1
    stage.play(1).join()
    turns = stage.live().turns()
    assert [(turn.human, turn.ai, turn.status) for turn in turns] == [
        (NAME["say"], "Hello.", "complete"),
        (CITY["say"], "Nice city.", "complete"),
        (DOG["say"], "Woof.", "complete"),
    ]


def test_an_action_whose_process_ended_before_it_was_noted_is_not_done_twice() -> None:
    stage = after(1, lesson("buffer", NAME, CITY))
    # As it stood in the store when the process ended between the turn and the note of it.
    progress = stage.progress
    stage.desk.put(type(progress)(**{**vars_of(progress), "done": 1, "scenes": {}, "verdicts": {}}))
    stage.play(1).join()
    assert said(stage) == [NAME["say"], CITY["say"]]


def vars_of(progress: Any) -> dict[str, Any]:
    return {name: getattr(progress, name) for name in progress.__dataclass_fields__}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_mistake_of_the_program_ends_the_step_with_a_sentence_and_leaves_it_to_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = stage_of(lesson("buffer", NAME, {"reread": True}))
    with monkeypatch.context() as broken, pytest.raises(BadInput, match=r"KeyError.*begin the lesson afresh"):
        broken.setattr(Live, "facts", lambda live, person: {}["mistake"])
        stage.play(1).join()
    assert stage.playing is None
    stage.play(1).join()
    assert stage.live().reread


# --- step by step -----------------------------------------------------------------------------------------------------


def test_a_message_is_paused_before_a_step_and_goes_on_when_the_lesson_does() -> None:
    made = steps("summary", [NAME], [say("What is my name?", until="model")], [{"go": "write"}], [{"go": "end"}])
    stage = after(2, made)
    live = stage.live()
    assert live.length == 1
    assert live.job
    assert live.job.before
    assert live.job.before.step == "model"
    stage.play(3).join()
    assert stage.live().length == 2
    assert stage.live().job.before.step == "write"  # type: ignore[union-attr]
    stage.play(4).join()
    assert stage.live().job is None
    assert stage.live().traces()[-1].after


def test_a_step_in_which_a_message_was_paused_has_its_figures_when_it_has_come_to_its_end() -> None:
    stage = after(3, steps("buffer", [NAME], [say("What is my name?", until="model")], [{"go": "end"}]))
    assert stage.live(1).length == 1
    assert stage.live(2).length == 2


def test_a_paused_message_that_its_process_has_left_goes_on_all_the_same() -> None:
    stage = after(1, steps("buffer", [say("What is my name?", until="model")], [{"go": "end"}]))
    job = stage.live().job
    assert job
    job.give_up()
    job.join(10)
    assert job.status == "left"
    stage.play(2).join()
    assert said(stage) == ["What is my name?"]


# --- what else a lesson does ------------------------------------------------------------------------------------------


def test_another_memory_takes_the_earlier_turns_in_and_the_message_is_answered_again() -> None:
    live = played(lesson("window:k=1", NAME, CITY, DOG, {"use": "buffer"}, {"again": True}))
    assert [trace.memory for trace in live.traces()] == [
        *["ConversationBufferWindowMemory"] * 2,
        "ConversationBufferMemory",
    ]
    assert live.traces()[-1].read_length == 2
    assert live.length == 3
    summed = played(lesson("buffer", NAME, CITY, {"use": "summary"}))
    talk = summed.conversation()
    assert talk
    assert talk.opened().state.covered == 2


def test_a_conversation_of_a_person_begins_with_the_memory_that_the_person_used_last() -> None:
    people = [{"id": "ann", "name": "Ann"}, {"id": "bob", "name": "Bob"}]
    actions = [NAME, {"use": "buffer"}, say("Again.", thread="next"), say("Hello.", person="bob")]
    live = played(lesson("window:k=1", *actions, people=people))
    memories = {(spot.person, spot.name): spot.memory for spot in live.spots}
    window, buffer = "ConversationBufferWindowMemory", "ConversationBufferMemory"
    assert memories == {("ann", "first"): buffer, ("ann", "next"): buffer, ("bob", "first"): window}
    assert (live.person, live.thread) == ("bob", "first")
    assert len(set(live.users.values())) == 2


def test_who_speaks_again_goes_on_where_that_person_spoke_last() -> None:
    people = [{"id": "ann", "name": "Ann"}, {"id": "bob", "name": "Bob"}]
    actions = [
        say("One.", person="ann"),
        say("Two.", thread="b"),
        say("Three.", person="bob"),
        say("Four.", person="ann"),
    ]
    live = played(lesson("buffer", *actions, people=people))
    assert [turn.human for turn in live.turns("ann", "b")] == ["Two.", "Four."]
    assert [turn.human for turn in live.turns("bob")] == ["Three."]


def test_a_text_is_repeated_within_its_message_and_a_picture_comes_with_it() -> None:
    live = played(lesson("buffer", say("Look.", times=3), say("My bicycle.", picture="red-bicycle")))
    first, second = live.turns()
    assert first.human == "Look. Look. Look."
    assert [picture.name for picture in second.pictures] == ["red-bicycle.png"]
    assert live.store.picture(live.user, live.spots[0].id, second.pictures[0].id)
    with pytest.raises(BadInput, match="red-bicycle"):
        played(lesson("buffer", say("My cat.", picture="cat")))


def test_a_thumb_rewrites_the_instructions_of_a_memory_that_learns() -> None:
    thumb = {"thumb": "down", "words": "Show me an example instead."}
    live = played(lesson("procedural", say("Explain recursion."), thumb, say("Explain sorting.")))
    seen = live.inspect()
    assert seen
    assert "example" in seen.rebuilt.prompt.messages[0].content
    with pytest.raises(BadInput, match="procedural"):
        played(lesson("buffer", NAME, {"thumb": "up"}))


def test_a_reflection_comes_when_the_lesson_has_it_and_not_by_the_clock() -> None:
    made = steps("collection:formation=background", [say("I prefer dark mode.")], [{"reflect": True}])
    stage = after(1, made)
    spot = stage.live().spot()
    assert spot
    assert not stage.live().facts()
    assert worker.reflection.waiting(stage.live().user, spot.id) is None
    stage.play(2).join()
    assert [fact.text for fact in stage.live().facts()]
    assert not stage.live(1).facts()


@pytest.mark.parametrize("what", [{"turn": 2}, {"words": "555 0199"}])
def test_what_is_forgotten_stands_nowhere_and_the_memory_is_built_again(store: Store, what: dict[str, Any]) -> None:
    actions = [CITY, say("My number is 555 0199."), DOG, {"forget": what}]
    stage = Stage(store, new_user(), lesson("summary", *actions))
    stage.play(1).join()
    live = stage.live()
    assert [receipt.left for receipt in live.receipts] == [0]
    assert [turn.status for turn in live.turns()] == ["complete", "forgotten", "complete"]
    talk = live.conversation()
    assert talk
    state = talk.opened().state
    assert state.covered == 3
    assert not [note for note in state.notes.values() if "0199" in note.text]


def test_words_that_were_said_nowhere_cannot_be_forgotten() -> None:
    with pytest.raises(BadInput, match="forgotten already"):
        played(lesson("buffer", CITY, {"forget": {"words": "London"}}))


def test_everything_is_read_again_from_the_store_alone(store: Store) -> None:
    stage = Stage(store, new_user(), lesson("summary", NAME, CITY, {"reread": True}))
    stage.play(1).join()
    read = stage.live().reread
    assert read
    assert (read.turns, read.notes, read.facts) == (2, 1, 0)


def test_the_rules_of_a_memory_are_checked_on_what_was_said() -> None:
    live = played(lesson("window:k=1", NAME, CITY, {"lint": "window:k=1"}))
    assert [(report.memory, report.turns, report.sound) for report in live.lints["window:k=1"]] == [
        ("ConversationBufferWindowMemory", 2, True)
    ]


def test_memories_are_compared_over_a_shipped_scenario() -> None:
    memories = ["buffer", "window:k=3"]
    live = played(lesson("buffer", {"compare": {"scenario": "moved", "memories": memories}}))
    assert live.scenario == "moved"
    assert list(live.compared) == memories
    assert live.compared["buffer"].totals.prompt_tokens > live.compared["window:k=3"].totals.prompt_tokens


def test_a_document_is_put_among_the_persons_own() -> None:
    live = played(lesson("knowledge", {"document": "library-of-alexandria"}, say("Who founded the library?")))
    assert [one.name for one in live.store.shelf.documents.listed(live.user)] == ["library-of-alexandria.md"]
    assert live.traces()[-1].items


# --- back, afresh and on ----------------------------------------------------------------------------------------------


def test_an_earlier_step_is_shown_as_it_was() -> None:
    stage = after(2, steps("window:k=1", [NAME, CITY], [{"use": "buffer"}, DOG]))
    then, now = stage.live(1), stage.live()
    assert (then.length, now.length) == (2, 3)
    assert [turn.human for turn in then.turns()] == [NAME["say"], CITY["say"]]
    assert [type(live.talk(live.spots[0]).memory).short for live in (then, now)] == ["window", "buffer"]


def test_a_fresh_start_removes_what_was_said_and_keeps_that_the_lesson_was_finished(store: Store) -> None:
    stage = Stage(store, new_user(), lesson("collection", say("I work at Acme."), CITY))
    stage.play(1).join()
    users = list(stage.live().users.values())
    stage.answer(1, 2)
    assert stage.go_to(2).finished_at
    assert [len(store.threads(user)) for user in users] == [1]
    assert stage.live().facts()
    progress = stage.fresh()
    assert (progress.played, progress.answers, progress.step) == ((), {}, 1)
    assert progress.finished_at
    assert [store.threads(user) for user in users] == [[]]
    assert not stage.live().facts()
    stage.play(1).join()
    assert len(said(stage)) == 2


def test_a_fresh_start_in_the_middle_of_a_step_ends_it() -> None:
    begun = threading.Event()

    def slowly(messages: Any) -> Iterator[str]:
        begun.set()
        for _ in range(500):
            yield "word "
            threading.Event().wait(0.02)

    stage = stage_of(lesson("buffer", NAME, CITY), models=FakeModels(talker=FakeChat(answer=slowly)))
    playing = stage.play(1)
    assert begun.wait(20)
    stage.fresh()
    assert playing.done
    assert stage.progress.played == ()
    assert stage.live().spots == ()
    user = next(iter(stage.live().users.values()))
    assert not stage.store.threads(user)


def test_the_conversation_goes_on_in_the_chat_as_the_owners_own(memory_store: InMemoryStore) -> None:
    stage = after(1, lesson("window:k=1", NAME, CITY), store=memory_store)
    thread = stage.go_on_in_chat()
    found = memory_store.thread(stage.owner, thread)
    assert found
    assert (found.title, found.memory, found.settings["k"]) == ("Small", "ConversationBufferWindowMemory", 1)
    assert [turn.human for turn in memory_store.turns(stage.owner, thread, 0, 9)] == [NAME["say"], CITY["say"]]
    assert stage.live().length == 2
    with pytest.raises(BadInput, match="Nothing was said"):
        stage_of(lesson("buffer", NAME)).go_on_in_chat()


def test_a_setting_is_tried_in_a_copy_that_leaves_the_lesson_as_it_was() -> None:
    what_if = {"setting": "k", "values": [0, 1, 2], "ask": "What if?"}
    stage = after(1, lesson("window:k=1", NAME, CITY, DOG, what_if=what_if))
    before = stage.live().traces()
    assert stage.tried() is None
    for value, count in ((2, 2), (0, 0)):
        stage.try_with(value).join()
        tried = stage.tried()
        assert tried
        assert tried[0] == value
        last = tried[1].inspect()
        assert last
        sent = {index for item in last.trace.items if item.turns for index in range(*item.turns)}
        assert (last.length, len(sent)) == (3, count)
    assert stage.live().traces() == before
    assert len(stage.store.threads(stage.live().user)) == 2
    with pytest.raises(BadInput, match="k: "):
        stage.try_with(-1)


def test_there_is_no_step_beyond_the_last() -> None:
    stage = stage_of(lesson("buffer", NAME))
    for call in (stage.play, stage.go_to):
        with pytest.raises(BadInput, match="from 1 to 2"):
            call(3)
