"""The tab Graph of the page Long-term memory: who and what is remembered, as it was known on a day.

longterm_graph.draw(chat, view)

Session keys: `longterm_known` (the graph, and of what it was made), `longterm_day` (the moment that is looked at),
`longterm_past` (whether what is superseded is drawn), and `longterm_graph_…` of the picture.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from memory.common.names import USER, folded
from memory.longterm.facts import from_row
from memory.longterm.graph import Link, Personal, noted, personal
from memory.views import Edge, Graph, Node
from pages.ui import longterm_items
from pages.ui.chat_state import Chat
from pages.ui.forms import graph as picture
from pages.ui.forms.chart import cut
from pages.ui.longterm_sources import draw_sources, when
from pages.ui.longterm_store import View
from pages.ui.words import badge, escaped, literal, plural

MOMENTS = 60
"""Up to so many changes the slider stops at each of them; of more at the end of each day that had any."""
KEY = "longterm_graph"
ROWS = 100
"""Relations of the table that are drawn, the newest."""


def draw(chat: Chat, view: View) -> None:
    """Draw the tab."""
    longterm_items.notices(view)
    known = _known(view)
    if not known.links:
        st.markdown("**Nothing is connected yet.**")
        st.markdown(
            "Whom and what you tell a memory across conversations of (Facts, Profile) or a knowledge graph appears "
            "here, with what connects them, since when it holds and what superseded it."
        )
        _unread(known)
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        at = _moment(known)
        past = st.toggle("Show what is superseded", True, key="longterm_past")
    told = known.until(at)
    links = [link for link in told if past or link.holds(at)]
    holding = sum(link.holds(at) for link in links)
    legend = [badge("green", f"holds: {plural(holding, 'relation')}")]
    if holding < len(links):
        legend.append(badge("gray", f"superseded, dashed: {plural(len(links) - holding, 'relation')}"))
    st.markdown(" ".join(legend))
    form = _form(known, links, at)
    if (thing := picture.pick(form, KEY)) is not None:
        _card(view, known, links, thing, at)
    _table(links, at)
    _unread(known)


def _known(view: View) -> Personal:
    """Return the graph, made anew only where anything it is made of has changed."""
    seen, rows = view.items.snapshot()
    threads = [(thread.id, thread.updated) for thread in view.store.threads(view.user)]
    state, name = st.session_state, (view.user, view.temporary, seen, threads)
    if state.get("longterm_known", (None,))[0] != name:
        facts = [fact for row in rows if (fact := from_row(row))]
        with st.spinner("Drawing what connects whom and what you spoke of"):
            state.longterm_known = (name, personal(facts, noted(view.store, view.user)))
    found: Personal = state.longterm_known[1]
    return found


# --- when -------------------------------------------------------------------------------------------------------------


def _moment(known: Personal) -> float:
    """Draw the slider over the times at which anything changed; return the one that is looked at."""
    stops = _stops(known.moments)
    if len(stops) < 2:
        st.caption(f"All of it is known since {when(stops[0])}.", width="content")
        return time.time()
    if st.session_state.get("longterm_day") not in stops:
        st.session_state["longterm_day"] = stops[-1]
    return st.select_slider(
        "As it was known on", stops, key="longterm_day", format_func=when, help="Each stop is a change", width=420
    )


def _stops(moments: Sequence[float]) -> list[float]:
    """Return the moments that the slider stops at: the last one of those that are written alike."""
    stops = {when(moment): moment for moment in moments if moment} or {"": 0.0}
    if len(stops) > MOMENTS:
        stops = {f"{datetime.fromtimestamp(moment, UTC):%F}": moment for moment in stops.values()}
    return list(stops.values())


# --- the picture ------------------------------------------------------------------------------------------------------


def _form(known: Personal, links: Sequence[Link], at: float) -> Graph:
    names: dict[str, str] = {}
    lit: set[str] = set()
    for link in links:
        for id, name in zip(link.ends, (link.subject, link.object), strict=True):
            names.setdefault(id, name)
            if link.holds(at):
                lit.add(id)
    nodes = tuple(
        Node(id, "You" if id == USER else name, known.notes.get(id, ""), sent=id in lit) for id, name in names.items()
    )
    edges = tuple(Edge(*link.ends, link.label, sent=link.holds(at), past=_past(link, at)) for link in links)
    return Graph(nodes, edges, dated=True)


def _past(link: Link, at: float) -> str:
    """Say since when a relation holds no longer; "" where it still does."""
    return f"superseded {when(link.superseded)}" if link.superseded is not None and link.superseded <= at else ""


def _card(view: View, known: Personal, links: Sequence[Link], thing: Node | Edge, at: float) -> None:
    """Draw what is known of a dot or an arrow, with a way to each turn that it came from."""
    if isinstance(thing, Node):
        about = [link for link in links if thing.id in link.ends]
    else:
        about = [
            link
            for link in links
            if (*link.ends, link.label, _past(link, at)) == (thing.source, thing.target, thing.label, thing.past)
        ]
    with st.container(border=True, gap="xsmall", key="longterm_graph_card"):
        if isinstance(thing, Node):
            st.markdown(f"**{escaped(thing.label)}** {badge('gray', plural(len(about), 'relation'))}")
            if thing.note:
                st.text(thing.note)
        for place, link in enumerate(sorted(about, key=lambda link: -link.since)[:ROWS]):
            _link(view, link, at, place)


def _link(view: View, link: Link, at: float, place: int) -> None:
    fate = badge("green", "holds") if link.holds(at) else badge("gray", "superseded")
    st.markdown(f"{literal(_named(link.subject))} → {literal(link.label)} → **{literal(_named(link.object))}** {fate}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{_since(link)} · {literal(link.origin)}", width="content")
        draw_sources(view, link.sources, f"graph_{place}")


def _since(link: Link) -> str:
    since = f"since {when(link.since)}" if link.since else "since when is not known"
    return since if link.superseded is None else f"{since}, until {when(link.superseded)}"


def _named(name: str) -> str:
    return "You" if folded(name) == USER else name


# --- in words ---------------------------------------------------------------------------------------------------------


def _table(links: Sequence[Link], at: float) -> None:
    """Draw the same relations as a table, the newest first."""
    rows = sorted(links, key=lambda link: (-link.since, link.subject, link.label))
    more = f", the newest {ROWS:,} of {len(rows):,}" if len(rows) > ROWS else ""
    with st.expander(f"The relations as a table{more}", icon=":material/table:", type="compact", expanded=True):
        st.table(
            [
                {
                    "relation": escaped(
                        f"{cut(_named(link.subject), 60)} → {cut(link.label, 60)} → {cut(_named(link.object), 60)}"
                    ),
                    "since": _day(link.since),
                    "until": _day(link.superseded) if link.superseded and _past(link, at) else "holds",
                    "read from": escaped(link.origin),
                }
                for link in rows[:ROWS]
            ],
            border="horizontal",
            hide_index=True,
            alt="The relations: who or what is connected by what with what, since when, and until when it held",
        )


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %Y}" if at else "not known"


def _unread(known: Personal) -> None:
    if known.unread:
        with st.expander(f"{plural(len(known.unread), 'fact')} in which no relation can be read", type="compact"):
            for fact in known.unread[:ROWS]:
                st.text(cut(fact.text, 200))
