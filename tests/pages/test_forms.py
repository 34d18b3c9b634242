"""The forms of "Memory now" that not every memory has, drawn by Streamlit's own test runner.

python -m pytest tests/pages/test_forms.py
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from memory.base import Note
from memory.inspection.inspect import Inspection
from memory.views import Edge, Form, Graph, Node, Point, Ranked, Scores, VectorMap, Weights
from pages.ui.forms.graph import AROUND
from pages.ui.forms.layout import HEIGHT, WIDTH, spread
from pages.ui.forms.vector_map import DOTS
from pages.ui.forms.weights import CELLS
from pages.ui.words import score
from tests.pages.panels import HOSTILE, TALK, imported, seen, talk, with_view

SCRIPT = """
import streamlit as st
from pages.ui import memory_now
with st.sidebar:
    memory_now.draw(st.session_state["case"])
"""
NODES = (
    Node("alex", "Alex", "Lives in Lyon with a dog.", (0, 1, 3), True),
    Node("lyon", "Lyon", turns=(1,), sent=True),
    Node("tea", "tea", turns=(2,)),
)
EDGES = (
    Edge("alex", "lyon", "lives in", (1,), True),
    Edge("alex", "lyon", "works in", (1,)),
    Edge("lyon", "alex", "is the home of", (1,)),
    Edge("alex", "tea", "likes", (2,)),
)


@pytest.fixture(scope="module")
def case() -> Inspection:
    """Four turns before the fifth, which is looked at."""
    return seen(*talk(TALK))


def show(case: Inspection, *forms: Form, **view: object) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.session_state["case"] = with_view(case, replace(case.view, forms=forms, **view))
    app.run()
    assert not app.exception, app.exception[0].message
    return app


def chart(app: AppTest, number: int = 0) -> dict:
    """Return what a form's chart was given to draw; the first chart of all is the strip."""
    return json.loads(app.get("echarts_chart")[1 + number].proto.spec)


def alt(app: AppTest) -> str:
    return app.get("echarts_chart")[1].proto.alt


def drawn(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.text))


def opened(app: AppTest) -> int:
    """Return the number of the turn whose card is open."""
    return app.number_input(key="panel_source").value


def table(app: AppTest, number: int = 0) -> AppTest:
    """Ask for a form's table."""
    app.session_state[f"panel_form_{number}_more"] = True
    return app.run()


def scores(count: int, sent: int, bars: tuple[str, ...] = ()) -> Scores:
    return Scores(
        tuple(
            Ranked(
                place % 4,
                None,
                place + 1,
                1 / (place + 1),
                place < sent,
                f"rank {place + 1} of top {sent}",
                {"similarity": 0.5, "recency": 0.25},
            )
            for place in range(count)
        ),
        bars,
    )


# --- the graph --------------------------------------------------------------------------------------------------------


def test_a_graph_draws_each_entity_and_relation_and_counts_what_was_sent(case: Inspection):
    app = show(case, Graph(NODES, EDGES))
    series = chart(app)["series"][0]
    assert [node["label"]["formatter"] for node in series["data"]] == ["Alex", "Lyon", "tea"]
    assert [edge["label"]["formatter"] for edge in series["links"]] == [edge.label for edge in EDGES]
    assert ":green-badge[sent: 2 entities, 1 relation]" in drawn(app)
    assert ":gray-badge[stored, not sent: 1 entity, 3 relations]" in drawn(app)
    assert alt(app).startswith("Graph of 3 entities and 4 relations. Sent: Alex, Lyon.")
    assert series["roam"]
    assert series["draggable"]


def test_several_relations_between_two_entities_are_curved_apart(case: Inspection):
    links = chart(show(case, Graph(NODES, EDGES)))["series"][0]["links"]
    # A curve bends to the side of its own direction: the arrow back is turned before it is compared.
    bends = [
        link["lineStyle"]["curveness"] * (1 if link["source"] == "alex" else -1)
        for link in links
        if {link["source"], link["target"]} == {"alex", "lyon"}
    ]
    assert len(set(bends)) == 3
    assert links[3]["lineStyle"]["curveness"] == 0
    assert len({link["id"] for link in links}) == len(links)


def test_an_entity_is_chosen_without_a_pointer_and_its_turns_are_opened(case: Inspection):
    app = show(case, Graph(NODES, EDGES))
    assert "Lives in Lyon" not in drawn(app)
    app.selectbox[0].set_value(("node", "alex")).run()
    assert "Lives in Lyon with a dog." in drawn(app)
    assert "Alex → lives in → Lyon" in drawn(app)
    assert opened(app) == 4
    assert [button.label for button in app.button][:3] == ["**turn 4**", "turn 2", "turn 1"]
    app.button[2].click().run()
    assert opened(app) == 1
    assert "You: My name is Alex." in drawn(app)
    assert "Lives in Lyon with a dog." in drawn(app)


def test_a_relation_has_a_card_too_and_what_is_open_is_marked_in_the_graph(case: Inspection):
    app = show(case, Graph(NODES, EDGES))
    app.selectbox[0].set_value(("edge", "alex", "likes", "tea")).run()
    assert "**Alex** → likes → **tea** :gray-badge[stored, not sent]" in drawn(app)
    assert opened(app) == 3
    assert [link["lineStyle"]["width"] for link in chart(app)["series"][0]["links"]] == [1.8, 1, 1, 3]


def test_what_is_no_longer_in_the_graph_has_no_card(case: Inspection):
    app = show(case, Graph(NODES, EDGES))
    app.selectbox[0].set_value(("node", "tea")).run()
    app.session_state["case"] = with_view(case, replace(case.view, forms=(Graph(NODES[:2], EDGES[:3]),)))
    assert not app.run().exception
    assert app.selectbox[0].value is None


def test_what_stands_in_a_graph_has_no_second_card_and_a_summary_keeps_its_own(case: Inspection):
    triple = Note("t1", 1, "Alex lives in Lyon.", (1, 2), 2, {"subject": "Alex"})
    summary = Note("summary", 1, "They spoke of Lyon.", (0, 2), 2)
    text = drawn(show(case, Graph(NODES, EDGES), notes=(triple, summary)))
    assert "They spoke of Lyon." in text
    assert "Alex lives in Lyon." not in text
    assert "Alex lives in Lyon." in drawn(show(case, notes=(triple, summary)))


def test_names_are_shown_as_they_are_and_do_nothing(case: Inspection):
    name = HOSTILE + " {b} {a|x} <script>alert(1)</script>"
    nodes = (Node("x", name, HOSTILE, (0,), True), Node("y", "y", turns=(0,)))
    app = show(case, Graph(nodes, (Edge("x", "y", HOSTILE + "{c}", (0,), True),)))
    spec = chart(app)
    assert spec["tooltip"]["renderMode"] == "richText"
    for mark in (*spec["series"][0]["data"], *spec["series"][0]["links"]):
        for text in (mark["label"]["formatter"], mark["tooltip"]["formatter"]):
            assert not any(part in text for part in ("{a", "{b", "{c"))
    for thing in (("node", "x"), ("edge", "x", HOSTILE + "{c}", "y")):
        app.selectbox[0].set_value(thing).run()
        shown = "\n".join(element.value for element in app.markdown)
        assert "![x](" not in shown
        assert "<img" not in shown.replace("\\<", "")
        assert ":red-badge[x]" not in shown


def test_a_large_graph_begins_with_what_is_around_what_was_sent_and_shows_all_on_demand(case: Inspection):
    nodes = tuple(Node(f"n{number}", f"name {number}", sent=number == 500) for number in range(1000))
    edges = tuple(Edge(f"n{number}", f"n{number + 1}", "knows") for number in range(999))
    app = show(case, Graph(nodes, edges))
    names = [node["id"] for node in chart(app)["series"][0]["data"]]
    assert len(names) == AROUND
    assert {"n499", "n500", "n501"} <= set(names)
    assert "n0" not in names
    assert app.toggle[0].label == "Show all (1,000)"
    app.toggle[0].set_value(True).run()
    series = chart(app)["series"][0]
    assert (len(series["data"]), len(series["links"])) == (1000, 999)


def test_a_graph_without_relations_or_without_anything_is_drawn(case: Inspection):
    assert "is empty" in drawn(show(case, Graph(())))
    app = show(case, Graph(NODES))
    assert len(chart(app)["series"][0]["data"]) == 3
    assert "arrow" not in drawn(app)
    assert len(chart(show(case, Graph(NODES[:1])))["series"][0]["data"]) == 1


def test_a_graph_is_placed_within_its_plane_apart_and_always_alike():
    arrows = [(number, number // 3, 0) for number in range(1, 40)]
    places = spread(arrows, [12.0] * 40)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert min(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a in places for b in places if a is not b) > 5
    assert spread([*arrows], (12.0,) * 40) == places
    # What hangs together with nothing else stands inside all the same, and in no other's place.
    assert len(set(spread([(0, 1, 5)], [40.0] * 4))) == 4


# --- scores -----------------------------------------------------------------------------------------------------------


def test_scores_show_what_was_sent_and_the_first_near_misses_with_the_rule_that_kept_them_out(case: Inspection):
    app = show(case, scores(12, sent=3))
    words, why = (next(s for s in chart(app)["series"] if s.get("id") == id)["data"] for id in ("words", "why"))
    lines = [cell["label"]["formatter"] for cell in words if cell]
    reasons = [cell["label"]["formatter"] for cell in why if cell]
    assert len(lines) == 7
    assert lines[0] == "{turn|turn 1}  {words|My name is Alex.}"
    assert reasons[0] == "{score|1.00} {why|sent, rank 1}"
    assert reasons[3] == "{score|0.25} {why|rank 4 of top 3}"
    assert ":orange-badge[retrieved and sent: 3]" in drawn(app)
    assert ":gray-badge[near misses, not sent: 9]" in drawn(app)
    assert "turn 4 0.25 (rank 4 of top 3)" in alt(app)
    app.button[0].click().run()
    assert len(chart(app)["series"][0]["data"]) == 11
    assert app.button[0].label == "Show 1 more"
    app.button[0].click().run()
    assert len(chart(app)["series"][0]["data"]) == 12
    assert not [button for button in app.button if button.label.startswith("Show")]


def test_parts_of_a_score_have_a_bar_each_and_their_name(case: Inspection):
    app = show(case, scores(6, sent=2, bars=("similarity", "recency")))
    bars = [s for s in chart(app)["series"] if s["yAxisIndex"] == 2]
    assert [s["name"] for s in bars] == ["similarity", "recency"]
    assert [[bar["value"] for bar in s["data"] if bar] for s in bars] == [[0.5] * 6, [0.25] * 6]
    assert [name["name"] for name in chart(app)["legend"]["data"]] == ["similarity", "recency"]
    assert "similarity and recency" in drawn(app)


def test_the_scores_stand_in_a_table_too(case: Inspection):
    frame = table(show(case, scores(60, sent=3, bars=("recency",)))).dataframe[0].value
    assert list(frame.columns) == ["rank", "turn", "score", "recency", "why", "began"]
    assert len(frame) == 50
    assert tuple(frame.iloc[3]) == ("4", "4", "0.25", "0.25", "rank 4 of top 3", "I have a dog.")


def test_scores_below_zero_and_without_a_single_row_are_drawn(case: Inspection):
    rows = (Ranked(0, None, 1, -0.2, True, "best"), Ranked(1, 0, 2, -0.9, False, ""))
    assert len(chart(show(case, Scores(rows)))["series"][0]["data"]) == 2
    assert "none to search" in drawn(show(case, Scores(())))


# --- weights ----------------------------------------------------------------------------------------------------------


def test_weights_are_a_heat_map_in_which_what_was_sent_is_framed(case: Inspection):
    app = show(case, Weights((0.1, 0.6, 0.05, 0.25), sent=(1, 3)))
    spec = chart(app)
    cells = {cell["label"]["formatter"]: cell for cell in spec["series"][0]["data"]}
    assert sorted(cells) == ["1", "2", "3", "4"]
    assert cells["2"]["tooltip"]["formatter"] == "Turn 2: 60 %, sent"
    assert [cells[number]["itemStyle"]["borderWidth"] >= 2 for number in "1234"] == [False, True, False, True]
    labels = [piece["label"] for piece in spec["visualMap"]["pieces"]]
    assert labels == ["under 10 %", "10 %", "20 %", "30 %", "40 % or more"]
    assert ":orange-badge[sent: 2 turns, 85 % of the weight]" in drawn(app)
    assert "The largest: turn 2 (60 %), turn 4 (25 %)" in alt(app)


def test_the_weights_stand_in_a_table_too_the_largest_first(case: Inspection):
    frame = table(show(case, Weights((0.1, 0.6, 0.05, 0.25), sent=(1, 3)))).dataframe[0].value
    assert [tuple(row) for row in frame.itertuples(index=False)] == [
        ("2", "60 %", "sent", "I live in Lyon."),
        ("4", "25 %", "sent", "I have a dog."),
        ("1", "10 %", "no", "My name is Alex."),
        ("3", "5 %", "no", "I like tea."),
    ]


def test_ten_thousand_weights_share_some_hundred_cells(case: Inspection):
    values = [1.0] * 10_000
    values[7654] = 500.0
    app = show(case, Weights(tuple(value / 10_499 for value in values), sent=(7654,)))
    cells = chart(app)["series"][0]["data"]
    assert len(cells) == CELLS
    assert sum(cell["value"][2] for cell in cells) == pytest.approx(1)
    framed = [cell["tooltip"]["formatter"] for cell in cells if cell["itemStyle"]["borderWidth"] == 2]
    assert framed == ["Turns 7,651 to 7,675: 5 % together, 1 sent\nmost of it: turn 7,655, 4.8 %"]
    assert "Each cell is 25 turns" in drawn(app)


def test_the_scale_has_even_steps_where_weights_are_alike_and_doubling_ones_where_few_have_most(case: Inspection):
    found = []
    for values in ((0.2, 0.3, 0.25, 0.25), (0.05, 0.8, 0.05, 0.1)):
        pieces = chart(show(case, Weights(values)))["visualMap"]["pieces"]
        found.append([piece["gte"] for piece in pieces[1:]])
    assert found[0] == pytest.approx([0.06, 0.12, 0.18, 0.24])
    assert found[1] == pytest.approx([0.05, 0.1, 0.2, 0.4])


def test_equal_weights_and_no_weights_are_drawn(case: Inspection):
    assert len(chart(show(case, Weights((0.25,) * 4)))["series"][0]["data"]) == 4
    assert len(chart(show(case, Weights((0.0,) * 4)))["series"][0]["data"]) == 4
    assert "No turn has a weight" in drawn(show(case, Weights(())))


# --- the map ----------------------------------------------------------------------------------------------------------


def test_the_map_shows_the_message_as_a_star_and_what_was_sent_with_its_number(case: Inspection):
    points = (Point(0.1, 0.2, 0, sent=True), Point(0.5, 0.9, 1), Point(-0.4, 0.1, 2), Point(0.2, 0.2, 2, 1, True))
    app = show(case, VectorMap(points, (0.15, 0.25), HOSTILE))
    dots, star = chart(app)["series"]
    assert star["data"] == [[0.15, 0.25]]
    # The card of the second turn, which left the prompt last, is open.
    assert opened(app) == 2
    assert [(dot["label"]["formatter"], dot["label"]["show"]) for dot in dots["data"]] == [
        ("2", True),
        ("3", False),
        ("1", True),
        ("3", True),
    ]
    text = drawn(app)
    assert "first two principal components" in text
    assert "only roughly preserved" in text
    assert "![x](" not in text
    assert ":red-badge[x]" not in text
    assert ":orange-badge[● sent: 2 turns]" in text


def test_the_map_stands_in_a_table_too_the_nearest_first(case: Inspection):
    points = (Point(0, 3, 0), Point(0, 1, 1, sent=True), Point(0, 2, 2))
    frame = table(show(case, VectorMap(points, (0, 0), "mini"))).dataframe[0].value
    assert list(frame["turn"]) == ["2", "3", "1"]
    assert list(frame["sent"]) == ["sent", "no", "no"]
    assert list(frame["distance"]) == ["33 %", "67 %", "100 %"]


def test_a_large_map_draws_all_that_was_sent_and_some_of_the_others(case: Inspection):
    points = tuple(Point(number % 97, number % 89, number, sent=number in (5, 9_999)) for number in range(10_000))
    app = show(case, VectorMap(points, (1, 1), "mini"))
    dots = chart(app)["series"][0]["data"]
    assert len(dots) == DOTS + 2
    assert [dot["label"]["formatter"] for dot in dots[-2:]] == ["6", "10,000"]
    assert f"{DOTS + 2:,} of 10,000 are drawn" in drawn(app)


def test_a_single_point_in_the_message_s_place_is_drawn(case: Inspection):
    spec = chart(show(case, VectorMap((Point(0, 0, 0),), (0, 0), "mini")))
    assert spec["xAxis"]["min"] < 0 < spec["xAxis"]["max"]


# --- several ----------------------------------------------------------------------------------------------------------


def test_forms_are_drawn_in_their_order_and_two_of_a_kind_do_not_disturb_each_other(case: Inspection):
    app = show(case, scores(3, sent=1), Weights((0.5, 0.5)), scores(2, sent=2), Graph(NODES))
    kinds = [chart(app, number)["series"][0]["type"] for number in range(4)]
    assert kinds == ["bar", "heatmap", "bar", "graph"]


def test_an_imported_turn_has_no_forms():
    store, thread = talk(TALK[:1])
    thread = imported(store, 3)
    assert len(show(seen(store, thread), scores(2, sent=1)).get("echarts_chart")) == 0


def test_a_small_score_keeps_three_significant_digits() -> None:
    values = (0.0, 0.00234, 0.0164, 0.0999, 0.1, 0.45, -0.003, 1e-10, 12.3)
    written = " ".join(map(score, values))
    assert written == "0.00 0.00234 0.0164 0.0999 0.10 0.45 -0.003 0 12.30"
