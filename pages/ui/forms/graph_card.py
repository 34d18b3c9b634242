"""The card of a dot or an arrow: what is known of it, and the turns that it came from.

draw_card(thing, form, seen, key)
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from memory.inspection.inspect import Inspection
from memory.views import Edge, Graph, Node
from pages.ui.forms.chart import open_turn, opened
from pages.ui.words import STATES, badge, escaped, plural

SENT = "green"
SOURCES = 6
"""How many source turns a card has controls for; the others are counted."""


def said(thing: Node | Edge, names: Mapping[str, str]) -> str:
    """Name a dot or an arrow in words."""
    if isinstance(thing, Node):
        return thing.label
    past = f" ({thing.past})" if thing.past else ""
    return f"{names[thing.source]} → {thing.label} → {names[thing.target]}{past}"


def fate(thing: Node | Edge, dated: bool = False) -> str:
    """Say in words whether it was sent, or whether it holds."""
    if dated:
        return "" if isinstance(thing, Node) else "superseded" if thing.past else "holds"
    return STATES["sent" if thing.sent else "not sent"]


def draw_card(thing: Node | Edge, form: Graph, seen: Inspection, key: str) -> None:
    """Show what is known of a dot or an arrow, with a control for each turn that it came from."""
    names = {node.id: node.label for node in form.nodes}
    with st.container(border=True, gap="xsmall", key=f"{key}_card"):
        sent = badge(SENT if thing.sent else "gray", fate(thing))
        if isinstance(thing, Node):
            st.markdown(f"**{escaped(thing.label)}** {sent}")
            if thing.note:
                st.text(thing.note)
            about = [edge for edge in form.edges if thing.id in (edge.source, edge.target)]
            if about:
                lines = [said(edge, names) for edge in about[:SOURCES]]
                rest = [f"and {plural(len(about) - SOURCES, 'more relation')}"] if len(about) > SOURCES else []
                st.text("\n".join([*lines, *rest]))
        else:
            source, target = escaped(names[thing.source]), escaped(names[thing.target])
            st.markdown(f"**{source}** → {escaped(thing.label)} → **{target}** {sent}")
        sources = sorted({turn for turn in thing.turns if 0 <= turn < seen.trace.read_length}, reverse=True)
        if not sources:
            st.caption("The turn that it came from is not known.")
            return
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption("From", width="content")
            for turn in sources[:SOURCES]:
                st.button(
                    f"**turn {turn + 1:,}**" if turn == opened() else f"turn {turn + 1:,}",
                    key=f"{key}_source_{turn}",
                    help="The turn whose card is open below" if turn == opened() else None,
                    on_click=open_turn,
                    args=(turn,),
                )
            if len(sources) > SOURCES:
                st.caption(f"and {len(sources) - SOURCES:,} earlier", width="content")
