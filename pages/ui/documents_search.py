"""The search box: what a question would find, with three scores for each passage, and the vectors as a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from memory.errors import InspectorError
from memory.knowledge.document import Document
from memory.knowledge.known import Hit
from memory.knowledge.library import Flat, Library
from pages.ui import connections
from pages.ui.documents_passages import draw_passage, open_document, score_badges
from pages.ui.forms.chart import SENT, draw_chart, literal
from pages.ui.forms.vector_map import DOTS, plane
from pages.ui.security import inert
from pages.ui.words import badge, colour, escaped, ink, plural

BEST = 5
LOW = 0.25
"""Under this fused score even the best passage hardly fits."""


def draw_search(library: Library, documents: Sequence[Document]) -> None:
    """Draw the box, what it found and the map."""
    st.header("Search")
    query = st.text_input(
        "What would a message find?",
        key="documents_query",
        max_chars=2_000,
        placeholder="What was the Mouseion dedicated to?",
        disabled=not documents,
    ).strip()
    if not documents:
        return
    hits: list[Hit] = []
    if query:
        with st.spinner("Searching"):
            hits = library.search(query, BEST)
        _found(hits)
    try:
        with st.spinner("Drawing the map"):
            flat = library.flat(query, DOTS, [hit.passage for hit in hits])
    except InspectorError as error:
        st.caption(inert(str(error)))
        flat = None
    if flat:
        _map(flat, hits)


def _found(hits: Sequence[Hit]) -> None:
    model = connections.searching().embedding
    means = f"dense: the likeness of its vector ({escaped(model.label)})" if model else "dense: none, no embedding"
    if hits and hits[0].fused < LOW:
        st.info(
            f"Even the best scores low ({hits[0].fused:.2f} of 1): your documents probably do not say it. A memory "
            "sends the best passages all the same.",
            icon=":material/help:",
        )
    for hit in hits:
        draw_passage(hit.passage, score_badges(hit.fused, hit.lexical, hit.dense))
    st.caption(
        f"Scores go from 0 to 1; lexical: how much of the question's words stand in it, the rare ones counting more; "
        f"{means}; fused: their weighted mean, by which they are ranked."
    )


def _map(flat: Flat, hits: Sequence[Hit]) -> None:
    st.markdown("**Map of the vectors**")
    found = {hit.passage.ref: hit.rank for hit in hits}
    counts = [badge("yellow", "★ your question")] if flat.query else []
    counts += [badge(SENT, f"● found: {plural(len(found), 'passage')}")] if found else []
    others = sum(passage.ref not in found for passage in flat.passages)
    counts += [badge("gray", f"○ {'others' if found else 'not searched yet'}: {plural(others, 'passage')}")] * bool(
        others
    )
    st.markdown(" ".join(counts))
    rows = sorted(
        zip(flat.passages, flat.points, strict=True), key=lambda row: row[0].ref in found
    )  # what was found is drawn last, over the others
    dots = [_dot(point, f"{passage.document.name}, {passage.where}", found.get(passage.ref)) for passage, point in rows]
    best = ", ".join(f"{hit.passage.document.name} {hit.passage.where}" for hit in hits)
    draw_chart(
        plane(dots, flat.query, "Your question"),
        {"main": [(passage.document.id, passage.number) for passage, _ in rows]},
        "documents_map",
        300,
        f"Map of {plural(len(rows), 'passage')} in two dimensions.{f' Found: {best}.' if best else ''}",
        lambda mark: open_document(*mark),
    )
    st.caption(
        f"Near means alike, roughly: of the many dimensions of {escaped(flat.embedding)} the axes are the two in which "
        "the vectors differ most. Click a dot to see its passage below."
    )


def _dot(point: tuple[float, float], name: str, rank: int | None) -> dict[str, Any]:
    """Draw a passage: filled and numbered by its rank where it was found, a pale ring elsewhere."""
    found = rank is not None
    return {
        "value": [*point],
        "symbolSize": 13 if found else 9,
        "itemStyle": {
            "color": colour(SENT) if found else "transparent",
            "borderColor": colour(SENT if found else "gray"),
            "borderWidth": 1,
            "opacity": 1 if found else 0.6,
        },
        "label": {"show": found, "formatter": f"{rank}", "position": "right", "distance": 3, "color": ink()},
        "tooltip": {"formatter": literal(f"{name}, rank {rank}" if found else name)},
    }
