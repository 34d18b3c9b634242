"""How far an owner is in a lesson is kept in the store: whoever opens it next finds it, and nobody's change is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from memory.errors import ThreadGone
from memory.lessons.lesson import Lesson
from memory.lessons.progress import Desk
from memory.lessons.stage import Stage
from memory.store import Store
from tests.lessons.small import lesson, say
from tests.memory.fakes import new_user

TALK = lesson("window:k=1", say("My name is Alex."), {"lint": "buffer"}, {"reread": True})


def stage_of(store: Store, owner: str, made: Lesson = TALK) -> Stage:
    return Stage(store, owner, made)


def test_a_lesson_is_found_again_as_it_was_left(store: Store) -> None:
    owner = new_user()
    stage = stage_of(store, owner)
    stage.play(1).join()
    stage.answer(1, 2)
    stage.go_to(2)
    found = stage_of(store, owner)
    assert found.progress == stage.progress
    assert (found.progress.step, found.progress.played, found.progress.answers) == (2, (1,), {1: 2})
    assert found.live().lints == stage.live().lints
    assert found.live().lints["buffer"][0].sound
    assert list(Desk(store, owner).all()) == ["small"]
    assert Desk(store, new_user()).all() == {}


def test_a_lesson_that_has_not_begun_keeps_nothing(store: Store) -> None:
    owner = new_user()
    stage = stage_of(store, owner)
    assert (stage.progress.run, stage.progress.step, stage.live().length) == ("", 1, 0)
    assert Desk(store, owner).all() == {}


def test_the_first_answer_to_a_question_counts(store: Store) -> None:
    stage = stage_of(store, new_user())
    assert stage.answer(1, 3).answers == {1: 3}
    assert stage.answer(1, 1).answers == {1: 3}


def test_a_lesson_is_finished_when_its_last_step_is_reached_and_all_was_played(store: Store) -> None:
    stage = stage_of(store, new_user())
    assert stage.go_to(2).finished_at is None
    assert stage.go_to(1).finished_at is None
    stage.play(1).join()
    assert stage.progress.finished_at is None
    finished = stage.go_to(2).finished_at
    assert finished
    assert stage.go_to(1).finished_at == finished


def test_two_tabs_that_change_it_at_once_both_do(store: Store) -> None:
    stage = stage_of(store, new_user())
    run = stage.go_to(1).run
    other = stage_of(store, stage.owner)
    asked: list[int] = []

    def slowly(now: Any) -> Any:
        if not asked:
            asked.append(other.answer(2, 5).step)
        return replace(now, step=2)

    changed = stage.desk.change(TALK, run, slowly)
    assert (changed.step, changed.answers) == (2, {2: 5})
    assert stage.progress == changed


def test_what_comes_late_from_before_a_fresh_start_changes_nothing(store: Store) -> None:
    stage = stage_of(store, new_user())
    run = stage.go_to(2).run
    stage.fresh()
    with pytest.raises(ThreadGone, match="begun anew"):
        stage.desk.change(TALK, run, lambda now: replace(now, step=2))
    assert stage.progress.step == 1


def test_a_lesson_whose_file_was_changed_begins_anew_and_stays_finished(store: Store) -> None:
    stage = stage_of(store, new_user())
    stage.play(1).join()
    finished = stage.go_to(2).finished_at
    changed = stage_of(store, stage.owner, TALK.model_copy(update={"about": "Something else."}))
    assert (changed.progress.played, changed.progress.step) == ((), 1)
    assert changed.progress.finished_at == finished
    assert changed.live().length == 0
    changed.play(1).join()
    assert changed.live().length == 1
