"""A graph of who and what was spoken of: dots that can be dragged, arrows that say what connects them.

A click on either, or a choice in the list below, opens its card: what is known of it, and the turns that it came from.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Mapping
from typing import Any

import streamlit as st

from memory.inspection.inspect import Inspection
from memory.views import Edge, Graph, Node
from pages.ui.forms.chart import blend, cut, draw_chart, literal, open_turn
from pages.ui.forms.graph_card import SENT, draw_card, fate, said
from pages.ui.forms.layout import spread
from pages.ui.words import badge, colour, ink, plural, states

AROUND = 60
"""How many dots are drawn at first: what was sent and what is nearest to it."""
MOST = 1000
"""How many are drawn at most."""
NAMED, WORDED = 24, 12
"""Up to so many dots all have their names, so many arrows their words; of more, what was sent and what is large."""


def draw(form: Graph, seen: Inspection, key: str) -> None:
    """Draw the form."""
    if not form.nodes:
        st.markdown("The graph is empty: nobody and nothing was noted yet.")
        return
    st.markdown("**Who and what was spoken of**")
    st.markdown(_counts(form, states(seen)))
    if (thing := pick(form, key)) is not None:
        draw_card(thing, form, seen, key)


def pick(form: Graph, key: str) -> Node | Edge | None:
    """Draw the picture and the list of what is in it; return what was clicked in the one or chosen in the other."""
    nodes = _around(form, AROUND)
    if len(nodes) < len(form.nodes):
        all_ = f"all ({len(form.nodes):,})" if len(form.nodes) <= MOST else f"{MOST:,} of {len(form.nodes):,}"
        first = "the best connected" if form.dated else "what was sent, and what is nearest to it"
        if st.toggle(f"Show {all_}", key=f"{key}_all", help=f"At first: {first}"):
            nodes = _around(form, MOST)
    shown = {node.id for node in nodes}
    edges = [edge for edge in form.edges if edge.source in shown and edge.target in shown]
    things = _things(nodes, edges)
    kept = st.session_state.get(f"{key}_open")
    if kept not in things:
        st.session_state[f"{key}_open"] = kept = None

    def go(thing: Hashable) -> None:
        st.session_state[f"{key}_open"] = thing
        st.session_state[f"{key}_typed"] = None
        _opened(things.get(thing))

    def typed() -> None:
        st.session_state[f"{key}_typed"] = st.session_state[f"{key}_open"]
        # The chart would go on to mark what was clicked before; under another key it knows nothing of it.
        st.session_state[f"{key}_drawn"] = st.session_state.get(f"{key}_drawn", 0) + 1
        _opened(things.get(st.session_state[f"{key}_open"]))

    marks = {"node": [_name(node) for node in nodes], "edge": [_name(edge) for edge in edges]}
    # What is open is no part of the picture, but where it was not clicked: a new picture is laid out and zoomed anew.
    marked = st.session_state.get(f"{key}_typed")
    draw_chart(
        _spec(nodes, edges, marked, form.dated),
        marks,
        f"{key}_chart{st.session_state.get(f'{key}_drawn', 0)}",
        240 if len(nodes) <= 8 and not edges else 340 if len(nodes) <= AROUND else 420,
        _alt(form),
        go,
    )
    arrows = ", each arrow what was said of them" if edges else ""
    st.caption(
        f"Each dot is a person, place or thing{arrows}. Drag to move, scroll to zoom; click one to see what is "
        "known of it and where that came from."
    )
    names = {node.id: node.label for node in nodes}
    st.selectbox(
        "Card of an entity or a relation",
        list(things),
        format_func=lambda thing: said(things[thing], names),
        key=f"{key}_open",
        on_change=typed,
        placeholder="Open the card of an entity or a relation",
        label_visibility="collapsed",
    )
    return things.get(kept) if kept is not None else None


# --- what is drawn ----------------------------------------------------------------------------------------------------


def _around(form: Graph, most: int) -> list[Node]:
    """Choose the dots that are drawn: what was sent, then what is nearest to it along the arrows."""
    if len(form.nodes) <= most:
        return list(form.nodes)
    near: defaultdict[str, list[str]] = defaultdict(list)
    for edge in form.edges:
        near[edge.source].append(edge.target)
        near[edge.target].append(edge.source)
    known = {node.id for node in form.nodes}
    sent = [node.id for node in form.nodes if node.sent]
    sent += [end for edge in form.edges if edge.sent for end in (edge.source, edge.target)]
    # Those that nothing leads to come last, the best connected first.
    starts = [*sent, *sorted(known, key=lambda id: (-len(near[id]), id))]
    chosen: dict[str, None] = {}
    waiting = deque(dict.fromkeys(sent or starts[:1]))
    rest = iter(starts)
    while len(chosen) < min(most, len(known)):
        id = waiting.popleft() if waiting else next(rest)
        if id in known and id not in chosen:
            chosen[id] = None
            waiting.extend(near[id])
    return [node for node in form.nodes if node.id in chosen]


def _spec(nodes: list[Node], edges: list[Edge], marked: Hashable, dated: bool) -> dict[str, Any]:
    degrees = Counter(end for edge in edges for end in (edge.source, edge.target))
    few, all_words = len(nodes) <= NAMED, len(edges) <= WORDED
    dots = [_dot(node, degrees[node.id], few, _name(node) == marked, dated) for node in nodes]
    at = {node.id: place for place, node in enumerate(nodes)}
    widths = [6.5 * len(dot["label"]["formatter"]) if dot["label"]["show"] else 12.0 for dot in dots]
    arrows = _arrows(edges, nodes, all_words, marked, dated)
    springs = [
        (at[edge.source], at[edge.target], len(arrow["label"]["formatter"]) if arrow["label"]["show"] else 0)
        for edge, arrow in zip(edges, arrows, strict=True)
    ]
    for dot, (x, y) in zip(dots, spread(springs, widths), strict=True):
        dot |= {"x": x, "y": y}
    return {
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "preserveAspect": True,
                "left": 32,
                "right": 32,
                "top": 14,
                "bottom": 30,
                "roam": True,
                "draggable": True,
                "scaleLimit": {"min": 0.4, "max": 8},
                "selectedMode": "single",
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 7 if few else 5,
                "emphasis": {"focus": "adjacency", "label": {"show": True}},
                "blur": {
                    "itemStyle": {"opacity": 0.4},
                    "lineStyle": {"opacity": 0.2},
                    "label": {"opacity": 0.4},
                    "edgeLabel": {"opacity": 0.4},
                },
                "select": {
                    "itemStyle": {"borderColor": ink(), "borderWidth": 3},
                    "lineStyle": {"color": ink(), "width": 3},
                },
                "data": dots,
                "links": arrows,
            }
        ]
    }


def _dot(node: Node, degree: int, few: bool, marked: bool, dated: bool) -> dict[str, Any]:
    fill, edge = (colour(SENT), colour(SENT)) if node.sent else (colour("gray", "BackgroundColor"), colour("gray"))
    label = literal(cut(node.label, 22))
    look = {"color": fill, "borderColor": ink() if marked else edge, "borderWidth": 3 if marked else 1, "opacity": 1}
    return {
        "id": node.id,
        "name": label,
        "symbolSize": min(24, 11 + 2 * degree) if few else 7 + min(9, degree),
        "itemStyle": look,
        "label": {
            "show": few or node.sent or degree > 4,
            "position": "bottom",
            "distance": 2,
            "formatter": label,
            "color": ink() if node.sent else colour("gray", "TextColor"),
            "fontSize": 12,
            **_halo(),
            "fontWeight": "bold" if node.sent else "normal",
        },
        "emphasis": {"itemStyle": {"color": fill}},
        "tooltip": {"formatter": literal(f"{cut(node.label, 60)}\n{fate(node, dated)}".strip())},
    }


def _arrows(
    edges: list[Edge], nodes: list[Node], all_words: bool, marked: Hashable, dated: bool
) -> list[dict[str, Any]]:
    """Draw the arrows; those between the same two are curved apart, whichever way they point."""
    names = {node.id: node.label for node in nodes}
    between = Counter(frozenset((edge.source, edge.target)) for edge in edges)
    drawn: Counter[frozenset[str]] = Counter()
    arrows = []
    for edge in edges:
        pair = frozenset((edge.source, edge.target))
        place, count = drawn[pair], between[pair]
        drawn[pair] += 1
        curve = (place - (count - 1) / 2) * min(0.4, 1.6 / count)
        look = colour(SENT) if edge.sent else colour("gray")
        is_marked = _name(edge) == marked
        arrows.append(
            {
                # What is selected is known by this; without it all arrows from one dot to another were.
                "id": f"arrow {len(arrows)}",
                "source": edge.source,
                "target": edge.target,
                "lineStyle": {
                    # A curve bends to the side of its own direction, so the arrow back is bent the other way.
                    "curveness": round(curve if edge.source <= edge.target else -curve, 3),
                    "color": ink() if is_marked else look,
                    "width": 3 if is_marked else 1.8 if edge.sent else 1,
                    "type": "dashed" if edge.past else "solid",
                    "opacity": 1 if edge.sent or is_marked else 0.55,
                },
                "label": {
                    "show": edge.sent or all_words or bool(edge.past),
                    "formatter": literal(cut(edge.label, 24) + (" (superseded)" if edge.past else "")),
                    "fontSize": 11,
                    **_halo(),
                    "color": colour(SENT, "TextColor") if edge.sent else colour("gray", "TextColor"),
                },
                "tooltip": {"formatter": literal(f"{cut(said(edge, names), 90)}\n{fate(edge, dated)}")},
            }
        )
    return arrows


def _halo() -> dict[str, Any]:
    """Part letters from the lines that they stand on."""
    return {"textBorderColor": blend("gray", 0), "textBorderWidth": 3}


# --- what is said -----------------------------------------------------------------------------------------------------


def _things(nodes: list[Node], edges: list[Edge]) -> dict[Hashable, Node | Edge]:
    """List what has a card: what was sent first."""
    every = [*sorted(nodes, key=lambda node: node.label.casefold()), *edges]
    return {_name(thing): thing for thing in sorted(every, key=lambda thing: not thing.sent)}


def _name(thing: Node | Edge) -> Hashable:
    """Name a dot or an arrow so that it is found again after the next turn."""
    if isinstance(thing, Node):
        return ("node", thing.id)
    return ("edge", thing.source, thing.label, thing.target, *filter(None, [thing.past]))


def _counts(form: Graph, words: Mapping[str, str]) -> str:
    """Say how much was sent; this is the picture's legend too."""
    badges = []
    for sent, name in ((True, SENT), (False, "gray")):
        nodes = sum(node.sent is sent for node in form.nodes)
        edges = sum(edge.sent is sent for edge in form.edges)
        parts = [f"{nodes:,} {'entity' if nodes == 1 else 'entities'}"] if nodes else []
        parts += [plural(edges, "relation")] if edges else []
        if parts:
            badges.append(badge(name, f"{words['sent' if sent else 'not sent']}: {', '.join(parts)}"))
    return " ".join(badges)


def _alt(form: Graph) -> str:
    """Describe the picture to those who do not see it."""
    if form.dated:
        past = sum(bool(edge.past) for edge in form.edges)
        size = f"{len(form.nodes):,} entities and {plural(len(form.edges), 'relation')}, {past:,} of them superseded"
        return f"Graph of {size}. The table below has them all."
    sent = [node.label for node in form.nodes if node.sent]
    named = ", ".join(cut(label, 30) for label in sent[:8]) + (" and others" if len(sent) > 8 else "")
    found = f" Sent: {named}." if sent else " Nothing of it was sent."
    size = f"{len(form.nodes):,} entities and {plural(len(form.edges), 'relation')}"
    return f"Graph of {size}.{found} The list below it has what is drawn."


# --- what leads here --------------------------------------------------------------------------------------------------


def find(form: Graph, id: str, data: Mapping[str, Any]) -> Hashable | None:
    """Find the dot or the arrow of a note by its id and what it says in parts; None where it is not drawn."""
    if any(node.id == id for node in form.nodes):
        return ("node", id)
    labels = {node.id: node.label.casefold() for node in form.nodes}
    said = tuple(str(data.get(part, "")).casefold() for part in ("subject", "predicate", "object"))
    for edge in form.edges:
        if (labels.get(edge.source), edge.label.casefold(), labels.get(edge.target)) == said:
            return _name(edge)
    return None


def open_thing(form: Graph, thing: Hashable | None, key: str) -> None:
    """Open the card of a dot or an arrow, as if it had been chosen in the list; for a callback."""
    things = _things(list(form.nodes), list(form.edges))
    if thing in things:
        st.session_state[f"{key}_open"] = st.session_state[f"{key}_typed"] = thing
        st.session_state[f"{key}_drawn"] = st.session_state.get(f"{key}_drawn", 0) + 1
        _opened(things[thing])


def _opened(thing: Node | Edge | None) -> None:
    """Open the newest turn that a thing came from along with its card."""
    if thing and thing.turns:
        open_turn(max(thing.turns))
