"""What came of a comparison, drawn by Streamlit's own test runner: figures shown are the figures that were computed.

python -m pytest tests/pages/test_compare_charts.py
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from streamlit.testing.v1 import AppTest

from memory.compare.bounds import Bounds, bounds_over
from memory.compare.experiment import Column, Sweep
from memory.compare.figures import summaries
from memory.compare.frontier import Point, frontier, points_of
from memory.compare.lines import Crossed as Crossing
from memory.compare.lines import Line as Turns
from memory.compare.lines import crossed, lines_of
from memory.compare.results import RunResult
from memory.money.prices import dollars
from pages.ui.compare.charts import NAMED, Line, lines_spec
from pages.ui.compare.charts_costs import foremost, last_of_each
from pages.ui.compare.charts_frontier import frontier_spec
from pages.ui.compare.charts_table import best_at
from pages.ui.compare.marks import marks_of
from tests.pages.compared import Case, alt, chart, compared, hostile, recording, show
from tests.pages.panels import drawn

BUFFER, WINDOW = "ConversationBufferMemory", "ConversationBufferWindowMemory"


@pytest.fixture(scope="module")
def case() -> Case:
    return compared("buffer", "window:k=2", "summary", "none", sweep="vector:k=1..2..3")


@pytest.fixture(scope="module")
def app(case: Case) -> AppTest:
    """The comparison as it is drawn at first; what changes it draws its own."""
    return show(*case)


def swept(count: int) -> Case:
    """Make a comparison of so many columns without running each: their figures grow with their number."""
    experiment, results, recordings = compared("buffer")
    columns = tuple(Column(WINDOW, {"k": place + 1}) for place in range(count))
    run = results[0, 0]
    made = {
        (0, place): replace(run, tokens=tuple(round(size * (place + 1) / count) for size in run.tokens))
        for place in range(count)
    }
    return replace(experiment, columns=columns, sweeps=(Sweep("k", 0, count),)), made, recordings


# --- marks ------------------------------------------------------------------------------------------------------------


def test_columns_are_lettered_and_those_of_a_sweep_share_a_letter_and_are_numbered() -> None:
    columns = [Column(BUFFER), Column(WINDOW, {"k": 3}), Column(WINDOW, {"k": 5}), Column("NoMemory")]
    marks = marks_of(columns, [Sweep("k", 1, 3)])
    assert [mark.name for mark in marks] == ["A Buffer", "B1 Window k 3", "B2 Window k 5", "C None"]
    assert marks[1].colour == marks[2].colour != marks[0].colour


def test_beyond_six_columns_are_numbered_and_their_marks_begin_again() -> None:
    marks = marks_of([Column(WINDOW, {"k": place}) for place in range(8)])
    assert [mark.letter for mark in marks] == ["A", "B", "C", "D", "E", "F", "7", "8"]
    assert (marks[6].colour, marks[6].symbol, marks[6].dash) == (marks[0].colour, marks[0].symbol, marks[0].dash)


def test_the_first_six_differ_in_colour_and_symbol_and_dash() -> None:
    marks = marks_of([Column(WINDOW, {"k": place}) for place in range(6)])
    for looks in zip(*((mark.colour, mark.symbol, str(mark.dash)) for mark in marks), strict=True):
        assert len(set(looks)) == 6


def test_a_model_of_a_column_s_own_is_part_of_its_name() -> None:
    marks = marks_of([Column(BUFFER), Column(BUFFER, model="openai:gpt-5-mini")])
    assert [mark.short for mark in marks] == ["A Buffer", "B Buffer gpt-5-mini"]


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_table_shows_the_figures_that_were_computed(case: Case, app: AppTest) -> None:
    rows, table = summaries(case[0], case[1]), app.dataframe[0].value
    for row, shown in zip(rows, table.to_dict("records"), strict=True):
        assert shown["tokens a turn"] == round(row.tokens_per_turn or 0)
        assert shown["tokens a question"] == round(row.question_tokens or 0)
        assert shown["evidence found"] == pytest.approx(100 * (row.recall or 0), abs=0.01)
        assert shown["found whole"] == pytest.approx(100 * (row.full or 0), abs=0.01)
        assert Decimal(str(shown["cost"])) == row.cost
        assert Decimal(str(shown["no cache"])) == row.cost_uncached
        assert shown["own calls"] == row.own_calls
    assert table["in notes"].notna().tolist() == [row.overlap is not None for row in rows]
    assert "adds nothing to the evidence found" in drawn(app)


def test_who_is_the_best_at_something_says_so_in_a_word(app: AppTest) -> None:
    table = app.dataframe[0].value
    assert table["best at"][0] == "evidence"
    assert "cost" in table["best at"][3].split(", ")
    assert "tokens" in table["best at"][4].split(", ")


def test_where_all_are_the_same_nobody_is_the_best() -> None:
    experiment, results, _ = compared("buffer", "buffer")
    assert best_at(summaries(experiment, results)) == {}


def test_a_failed_run_says_why_and_is_on_no_frontier(case: Case) -> None:
    experiment, results, recordings = case
    failed = RunResult(
        tokens=(10, 20), own_tokens=(0, 0), costs=(None, None), costs_uncached=(None, None), failed="The model is away."
    )
    app = show(experiment, {**results, (0, 1): failed}, recordings)
    assert "**B Window k 2** failed after 2 turns: The model is away." in drawn(app)
    assert "B Window" not in alt(app, "frontier")


def test_a_price_that_is_not_known_is_no_zero(case: Case) -> None:
    experiment, results, recordings = case
    runs = {place: replace(run, totals=replace(run.totals, cost=None)) for place, run in results.items()}
    assert "cost" not in show(experiment, runs, recordings).dataframe[0].value


def test_what_is_not_run_yet_is_said_and_the_rest_is_drawn(case: Case) -> None:
    experiment, results, recordings = case
    app = show(experiment, {key: run for key, run in results.items() if key[1] != 3}, recordings)
    assert "**D None** 0 of 1 conversation done" in drawn(app)
    assert len(app.dataframe[0].value) == 7
    assert "No result yet." in drawn(show(experiment, {}, recordings))


# --- lines ------------------------------------------------------------------------------------------------------------


def test_lines_have_every_turn_s_tokens_and_are_named_at_their_ends(case: Case, app: AppTest) -> None:
    spec = chart(app, "e1_tokens")
    for line, run in zip(spec["series"], (case[1][0, place] for place in range(7)), strict=True):
        assert [value for _, value in line["data"]] == list(run.tokens)
        assert [turn for turn, _ in line["data"]] == list(range(1, 9))
    ends = [line["endLabel"]["formatter"] for line in spec["series"] if line["endLabel"]["show"]]
    assert ends[:2] == ["A Buffer", "B Window"]
    assert "legend" not in spec


def test_a_chart_tells_its_figures_to_those_who_do_not_see_it(case: Case, app: AppTest) -> None:
    lines = lines_of(case[0], case[1])
    told = alt(app, "sum_counted")
    assert f"A Buffer {dollars(round(lines[0].cumulative[-1] or Decimal(0), 12))} at turn 8" in told
    assert f"A Buffer {lines[0].tokens[-1]:.0f} tokens at turn 8" in alt(app, "e1_tokens")


def test_cumulative_costs_say_from_which_turn_on_which_is_dearer(case: Case, app: AppTest) -> None:
    found = crossed(lines_of(case[0], case[1]), cached=False)
    turn = max(one.turn for one in found if (one.dearer, one.cheaper) == (0, 1))
    assert f"Buffer costs more than Window from turn **{turn}** on. As gpt-5-mini." in drawn(app)
    marked = chart(app, "sum_ignored")["series"][-1]["data"]
    assert marked[0]["value"][0] == turn
    assert marked[0]["name"] == f"turn {turn}: A passes B"


def test_of_crossings_those_are_told_whose_lines_lie_apart_before_and_after() -> None:
    def line(number: int, *costs: int) -> Turns:
        sums = tuple(map(Decimal, costs))
        some = (0.0,) * len(costs)
        return Turns(number, (0,), (), tuple(range(1, 6)), (1,) * 5, some, some, sums, sums, sums, sums)

    lines = [line(0, 1, 2, 3, 4, 90), line(1, 2, 20, 21, 22, 23), line(2, 1, 1, 1, 1, 1)]
    marks = marks_of([Column(BUFFER), Column(WINDOW), Column("NoMemory")])
    found = [Crossing(2, 0, 2), Crossing(5, 0, 1)]
    assert foremost(found, lines, marks, cached=True) == found
    many = [*found, Crossing(2, 1, 2), Crossing(3, 1, 2)]
    assert last_of_each(many) == [Crossing(2, 0, 2), Crossing(3, 1, 2), Crossing(5, 0, 1)]


def test_of_several_conversations_one_can_be_chosen() -> None:
    recordings = (recording(), recording("second", "Another", rounds=2))
    case = compared("buffer", "window:k=2", recordings=recordings)
    app = show(*case)
    assert chart(app, "e1_tokens")["xAxis"]["max"] == 16
    chosen = next(box for box in app.selectbox if box.label == "Charts by turn are of")
    assert chosen.options == ["all 2 conversations, their mean", "1. A move", "2. Another"]
    chosen.set_value(0).run()
    assert chart(app, "e1_tokens")["xAxis"]["max"] == 8


def test_a_gap_stays_a_gap_and_a_long_line_keeps_its_peaks() -> None:
    (mark,) = marks_of([Column(BUFFER)])
    values = [None, *(5 for _ in range(20_000)), 900, *(5 for _ in range(20_000))]
    data = lines_spec([Line(mark, values)], (), 250, money=False)["series"][0]["data"]
    assert data[0] == [1, None]
    assert [20_002, 900.0] in data
    assert len(data) <= 4_100


def test_forty_lines_are_named_where_there_is_room_and_stand_in_the_table_all() -> None:
    case = swept(40)
    app = show(*case)
    series = chart(app, "e1_tokens")["series"]
    named = [line for line in series if line["endLabel"]["show"]]
    assert len(named) <= NAMED or len(named) < 20
    assert all(line["emphasis"]["endLabel"]["show"] for line in series)
    assert len(app.dataframe[0].value) == 40
    ends = sorted(line["data"][-1][1] for line in named)
    most = max(line["data"][-1][1] for line in series)
    assert all(b - a >= 13 / 200 * most for a, b in pairwise(ends))


# --- the frontier -----------------------------------------------------------------------------------------------------


def test_the_frontier_has_a_point_for_each_column_and_the_line_of_what_nothing_beats(case: Case, app: AppTest) -> None:
    points = points_of(summaries(case[0], case[1]))
    spec = chart(app, "frontier")
    shown, best = spec["series"][0]["data"], spec["series"][1]["data"]
    assert [one["value"][1] for one in shown] == pytest.approx([100 * one.recall for one in points], abs=0.01)
    assert len(best) == len(frontier(points))
    assert spec["yAxis"]["max"] == 100
    found = bounds_over(case[2], "o200k_base")
    limits = {one["name"]: one["data"][0]["value"] for one in spec["series"][1:] if one["name"] in ("oracle", "full")}
    assert limits["full"] == [pytest.approx(found.full), 100.0]
    assert limits["oracle"][0] == pytest.approx(max(found.oracle or 0, spec["xAxis"]["min"]), abs=0.01)


def test_a_sweep_is_joined_in_the_order_of_its_values(case: Case, app: AppTest) -> None:
    points = points_of(summaries(case[0], case[1]))
    spec = chart(app, "frontier")
    (line,) = [one for one in spec["series"] if one.get("name") == "sweep"]
    assert [value for value, _ in line["data"]] == pytest.approx([one.tokens for one in points[4:]], abs=0.01)


def test_tokens_stand_on_a_logarithmic_axis_where_the_range_asks_for_it() -> None:
    marks = marks_of([Column(BUFFER), Column(WINDOW), Column("NoMemory")])
    near = frontier_spec(marks, [Point(0, 900, 1.0), Point(1, 300, 0.5)], (), Bounds())
    far = frontier_spec(marks, [Point(0, 9000, 1.0), Point(1, 40, 0.5), Point(2, 0, 0.0)], (), Bounds())
    assert near["xAxis"]["type"] == "value"
    assert (far["xAxis"]["type"], far["xAxis"]["min"], far["xAxis"]["max"]) == ("log", 10.0, 10_000.0)
    # What sends nothing has no place on it, so it stands at its left end and says 0.
    assert far["series"][0]["data"][2]["value"] == [10.0, 0.0]
    assert "0 tokens per question" in far["series"][0]["data"][2]["name"]


def test_a_sweep_has_a_chart_of_what_is_found_and_one_of_tokens(case: Case, app: AppTest) -> None:
    rows = summaries(case[0], case[1])
    found, sizes = chart(app, "sweep_0_found"), chart(app, "sweep_0_tokens")
    assert found["xAxis"]["data"] == ["1", "2", "3"]
    shown = [[one["value"] for one in spec["series"][0]["data"]] for spec in (found, sizes)]
    assert shown[0] == [round(100 * (row.recall or 0), 1) for row in rows[4:]]
    assert shown[1] == [round(row.question_tokens or 0) for row in rows[4:]]


def test_nothing_that_somebody_wrote_is_read_as_markdown_or_as_a_chart_s_instruction() -> None:
    experiment, results, recordings = compared("window:k=1", "none", recordings=[hostile()], answer=True)
    app = show(experiment, results, recordings, compare_e1_missed_column=1)
    for said in drawn(app).split("\n"):
        assert "![x]" not in said
        assert ":red-badge[x]" not in said
    named = replace(experiment, columns=(Column("SimpleMemory", {"memories": {"{zz}": "{a|x}"}}), Column("NoMemory")))
    for one in show(named, results, recordings).get("echarts_chart"):
        text = json.dumps(json.loads(one.proto.spec), ensure_ascii=False)
        assert "{zz}" not in text
        assert "{a|x}" not in text
