"""The figures of a comparison, worked out by hand: rows, bounds, lines, crossings, and what was missed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from memory.compare.bounds import bounds, bounds_over
from memory.compare.experiment import Sweep
from memory.compare.figures import Category, Failed, summaries, swept
from memory.compare.lines import Crossed, crossed, lines_of
from memory.compare.misses import contradictions, misses
from memory.compare.results import RunResult
from memory.tokens import count_tokens, encoding_for
from tests.compare.small import experiment, priced, run_all, talk

ENCODING = encoding_for("openai:gpt-5-mini").name


def size(*texts: str) -> int:
    return sum(count_tokens(text, ENCODING) for text in texts)


def test_a_row_has_what_its_turns_and_questions_came_to() -> None:
    of = experiment(["window:k=1"], [talk()])
    [row] = summaries(of, run_all(of, [talk()]))
    first, second, third = ("I live in Oslo.", "Nice."), ("I moved to Lisbon.", "Sunny."), ("Hi.", "Hi.")
    sizes = [size(first[0]), size(*first, second[0]), size(*second, third[0])]
    assert (row.turns, row.prompt_tokens, row.largest_prompt) == (3, sum(sizes), max(sizes))
    assert row.tokens_per_turn == sum(sizes) / 3
    assert row.output_tokens == size("Nice.", "Sunny.", "Hi.")
    # The last turn alone is sent: of the two questions with evidence, nothing of one and half of the other.
    assert (row.questions, row.recall, row.full) == (2, 0.25, 0.0)
    assert row.question_tokens == size(*third)
    assert row.by_category == {"1": Category(1, 0.0, 0.0), "2": Category(1, 0.5, 0.0)}
    assert (row.overlap, row.own_calls, row.note, row.whole) == (None, 0, "", True)


def test_overlap_is_a_figure_of_its_own_that_adds_nothing_to_recall() -> None:
    of = experiment(["summary"], [talk()])
    [row] = summaries(of, run_all(of, [talk()]))
    assert row.recall == 0.0
    assert row.overlap is not None
    assert row.overlap > 0
    assert row.own_calls == 3
    assert row.own_tokens > 0


def test_a_row_sums_up_all_conversations() -> None:
    of = experiment(["buffer"], [talk(), talk("other")])
    [one] = summaries(experiment(["buffer"], [talk()]), run_all(of, [talk()]))
    [both] = summaries(of, run_all(of, [talk(), talk("other")]))
    assert (both.turns, both.questions, both.recall) == (6, 4, 1.0)
    assert both.cost is not None
    assert one.cost is not None
    assert both.cost == 2 * one.cost
    assert both.largest_prompt == one.largest_prompt


def test_a_column_without_a_result_is_a_row_that_says_so() -> None:
    of = experiment(["buffer", "none"], [talk(), talk("other")])
    results = run_all(of, [talk(), talk("other")])
    del results[1, 0], results[0, 1], results[1, 1]
    partly, empty = summaries(of, results)
    assert (partly.whole, partly.note) == (False, "1 of 2 conversations done")
    assert (empty.turns, empty.cost, empty.recall, empty.tokens_per_turn) == (0, None, None, None)
    assert empty.note == "0 of 2 conversations done"


def test_a_run_that_failed_is_in_no_figure_and_says_why() -> None:
    of = experiment(["buffer"], [talk(), talk("other")])
    results = run_all(of, [talk(), talk("other")])
    results[1, 0] = priced("1", failed="It broke.")
    [row] = summaries(of, results)
    assert (row.turns, row.finished, row.whole) == (3, 1, False)
    assert row.failed == (Failed(1, 1, 0, "It broke."),)
    assert row.note == "failed in 1 of 2 conversations after 1 turn: It broke."


def test_a_cost_of_which_a_part_is_not_known_is_not_known() -> None:
    of = experiment(["buffer"], [talk()])
    results = run_all(of, [talk()])
    results[0, 0].totals.cost = None
    [row] = summaries(of, results)
    assert row.cost is None
    assert row.cost_uncached is not None


def test_the_rows_of_a_sweep_come_with_the_value_of_its_setting() -> None:
    of = experiment(["none", "window:k=1", "window:k=5"], [talk()])
    rows = summaries(of, run_all(of, [talk()]))
    assert [(value, row.number) for value, row in swept(Sweep("k", 1, 3), of, rows)] == [(1, 1), (5, 2)]


def test_the_bounds_are_the_evidence_alone_and_the_whole_conversation() -> None:
    found = bounds(talk(), ENCODING)
    alone = size("I moved to Lisbon.") + size("I live in Oslo.", "Hi.")
    whole = size("I live in Oslo.", "Nice.", "I moved to Lisbon.", "Sunny.", "Hi.", "Hi.")
    assert (found.questions, found.oracle, found.full, found.recall) == (2, alone / 2, whole, 1.0)
    assert bounds_over([talk(), talk("other")], ENCODING).oracle == alone / 2


def test_the_upper_bound_is_what_a_buffer_sends() -> None:
    of = experiment(["buffer"], [talk()])
    [row] = summaries(of, run_all(of, [talk()]))
    assert bounds(talk(), ENCODING).full == row.question_tokens


def test_a_replay_that_ends_earlier_bounds_what_can_be_found() -> None:
    assert bounds(talk(), ENCODING, end=2).recall == 0.75
    assert bounds(talk(), ENCODING, end=0).oracle == 0


def test_there_are_no_bounds_without_evidence() -> None:
    found = bounds_over([], ENCODING)
    assert (found.oracle, found.full, found.recall) == (None, None, None)


def test_a_line_is_the_mean_over_the_conversations_that_reach_the_turn() -> None:
    of = experiment(["buffer"], [talk(), talk("other")])
    [line] = lines_of(of, {(0, 0): priced("1", "2", "4"), (1, 0): priced("3")})
    assert line.turns == (1, 2, 3)
    assert line.reached == (2, 1, 1)
    assert line.tokens == (10.0, 20.0, 30.0)
    assert line.costs == (Decimal(2), Decimal(2), Decimal(4))
    assert line.cumulative == (Decimal(2), Decimal(4), Decimal(8))


def test_a_cumulative_cost_ends_where_a_price_is_not_known() -> None:
    [line] = lines_of(experiment(["buffer"], [talk()]), {(0, 0): priced("1", None, "1")})
    assert line.cumulative == (Decimal(1), None, None)


def test_lines_cross_at_the_turn_from_which_the_other_is_dearer() -> None:
    of = experiment(["buffer", "none"], [talk()])
    lines = lines_of(of, {(0, 0): priced("1", "1", "1", "9"), (0, 1): priced("2", "2", "2", "2")})
    assert crossed(lines) == [Crossed(turn=4, dearer=0, cheaper=1)]


def test_turns_are_counted_from_the_first_of_the_conversation() -> None:
    of = experiment(["buffer", "none"], [talk()])
    lines = lines_of(of, {(0, 0): priced("1", "1", "9", first=5), (0, 1): priced("2", "2", "2", first=5)})
    assert lines[0].turns == (6, 7, 8)
    assert crossed(lines) == [Crossed(turn=8, dearer=0, cheaper=1)]


def test_that_two_differ_as_soon_as_something_was_said_is_no_crossing() -> None:
    of = experiment(["buffer", "none"], [talk()])
    assert crossed(lines_of(of, {(0, 0): priced("1", "2", "2"), (0, 1): priced("1", "1", "1")})) == []
    later = crossed(lines_of(of, {(0, 0): priced("1", "1", "2"), (0, 1): priced("1", "1", "1")}))
    assert later == [Crossed(turn=3, dearer=0, cheaper=1)]


@pytest.mark.parametrize("other", [priced("2", "2"), priced("2", "2", "2", failed="It broke."), priced("2", None, "2")])
def test_lines_that_cannot_be_compared_cross_nowhere(other: RunResult) -> None:
    of = experiment(["buffer", "none"], [talk()])
    assert crossed(lines_of(of, {(0, 0): priced("1", "1", "9"), (0, 1): other})) == []


def test_a_miss_names_each_message_with_its_words_and_why() -> None:
    of = experiment(["window:k=1"], [talk(), talk("other", "")])
    found = misses(0, run_all(of, [talk(), talk("other", "")]), [talk(), talk("other", "")])
    assert [(one.recording, one.conversation, one.number) for one in found] == [
        (0, "A move", 0),
        (0, "A move", 1),
        (1, "other", 0),
        (1, "other", 1),
    ]
    where, what = found[:2]
    assert (where.text, where.category, where.share, where.found) == ("Where does Ann live?", 1, 0.0, ())
    [message] = where.missing
    assert (message.id, message.turn, message.place, message.speaker) == ("a2", 1, 0, "Ann")
    assert (message.words, message.why) == ("I moved to Lisbon.", "outside the last k=1 turns")
    assert (what.share, what.found) == (0.5, ("a3",))


def test_a_message_that_a_recording_has_no_more_is_missed_without_words() -> None:
    of = experiment(["none"], [talk()])
    results = run_all(of, [talk()])
    shorter = talk()
    [first, *_] = misses(0, results, [type(shorter)("talk", "", shorter.turns[:1], shorter.questions)])
    assert first.missing[0].words == ""


def test_a_contradiction_says_what_every_column_sent_of_both() -> None:
    specs = ["buffer", "window:k=2", "window:k=1", "summary"]
    of = experiment(specs, [talk()])
    [one] = contradictions(run_all(of, [talk()]), [talk()])
    assert dict(one.sent) == {0: "both", 1: "new", 2: "neither", 3: "neither"}
    assert one.noted[0] == ""
    assert one.noted[3] in ("new", "both")
    assert ([told.words for told in one.new], [told.words for told in one.old]) == (
        ["I moved to Lisbon."],
        ["I live in Oslo."],
    )
