"""The frontier: no point of it is beaten, every other is that finds something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memory.compare.figures import summaries
from memory.compare.frontier import Point, frontier, points_of
from tests.compare.small import experiment, priced, run_all, talk

POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20).map(
    lambda pairs: [Point(number, float(tokens), recall / 9) for number, (tokens, recall) in enumerate(pairs)]
)


@given(POINTS)
def test_no_point_of_the_frontier_is_beaten_and_every_other_is_that_finds_something(points: list[Point]) -> None:
    best = frontier(points)
    assert set(best) <= set(points)
    for point in points:
        if point.recall:
            assert (point in best) != any(other.beats(point) for other in points)


def test_what_finds_nothing_is_on_no_frontier_however_few_tokens_it_takes() -> None:
    assert frontier([Point(0, 0.0, 0.0), Point(1, 40.0, 0.5)]) == [Point(1, 40.0, 0.5)]
    assert frontier([Point(0, 0.0, 0.0)]) == []


@given(POINTS)
def test_along_the_frontier_more_tokens_find_more(points: list[Point]) -> None:
    places = [(point.tokens, point.recall) for point in frontier(points)]
    assert places == sorted(places)
    assert len({tokens for tokens, _ in places}) == len(set(places))


def test_points_are_of_rows_that_are_whole_and_have_evidence() -> None:
    of = experiment(["buffer", "none"], [talk()])
    results = run_all(of, [talk()])
    results[0, 1] = priced("1", failed="It broke.")
    rows = summaries(of, results)
    assert [point.number for point in points_of(rows)] == [0]
