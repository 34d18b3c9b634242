"""Who runs what: a worker keeps to its recording, the next takes another, and in the end all help with what is left.

python -m pytest tests/compare/test_schedule.py
"""

from __future__ import annotations

from memory.compare.experiment import Listed
from memory.compare.schedule import Schedule

THREE = tuple(Listed(f"conv-{turns}", "", turns, 2 * turns, 0) for turns in (10, 30, 20))


def test_a_worker_keeps_to_its_recording_and_another_takes_the_next() -> None:
    schedule = Schedule(THREE, 2)
    assert schedule.next(None, []) == (0, 0)
    assert schedule.next(None, [0]) == (1, 0)
    assert schedule.next(0, [1]) == (0, 1)
    assert schedule.next(0, [1]) == (2, 0)


def test_when_all_recordings_are_taken_the_one_with_most_left_is_helped_with() -> None:
    schedule = Schedule(THREE, 3)
    assert [schedule.next(None, [None]), schedule.next(None, [0]), schedule.next(None, [0, 1])] == [
        (0, 0),
        (1, 0),
        (2, 0),
    ]
    assert schedule.next(None, [0, 1, 2]) == (1, 1)


def test_steps_count_up_to_the_total_and_a_lost_run_counts_from_the_beginning() -> None:
    schedule = Schedule(THREE, 1)
    assert (schedule.total, schedule.left, schedule.runs) == (60, 60, 3)
    place = schedule.next(None, [])
    assert place == (0, 0)
    schedule.step(place, 7)
    assert (schedule.done, schedule.left) == (7, 50)
    schedule.again(place)
    assert (schedule.done, schedule.left) == (0, 60)
    assert schedule.next(None, []) == place
    schedule.finish(place)
    assert (schedule.done, schedule.unfinished) == (10, True)
    for rest in ((1, 0), (2, 0)):
        schedule.finish(rest)
    assert (schedule.done, schedule.unfinished, schedule.next(None, [])) == (60, False, None)


def test_results_of_columns_and_recordings_that_are_not_there_are_passed_over() -> None:
    schedule = Schedule(THREE, 1)
    schedule.finish((7, 0))
    schedule.finish((0, 7))
    schedule.finish((0, 0))
    schedule.finish((0, 0))
    assert schedule.done == 10
