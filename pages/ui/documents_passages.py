"""The passages of a document in their order: where each stands, and what it shares with the one before."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from memory.knowledge.document import Document, Passage
from memory.knowledge.library import Library
from pages.ui.forms.chart import cut
from pages.ui.words import badge, escaped, literal, plural

EXCERPT = 300
"""Characters of a passage that was found; the whole of it is among its document's."""
PAGE = 10
"""Passages that are shown at once."""
OPEN, SHOWN = "documents_open", "documents_page"


def open_document(id: str, number: int = 1) -> None:
    """Have a document's passages shown, from the page on which one of them stands."""
    st.session_state[OPEN] = id
    st.session_state[SHOWN] = (number - 1) // PAGE + 1


def draw_passages(library: Library, documents: Sequence[Document]) -> None:
    """Draw the passages of the document that is open, a page of them."""
    state, names = st.session_state, {document.id: document for document in documents}
    if state.get(OPEN) not in names:
        state[OPEN] = documents[0].id
        state[SHOWN] = 1
    st.header("What was cut where")

    def named(id: str) -> str:
        return names[id].name

    def changed() -> None:
        state[SHOWN] = 1

    passages = library.passages(state[OPEN])
    pages = max(1, -(-len(passages) // PAGE))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Document", list(names), format_func=named, key=OPEN, on_change=changed)
        state[SHOWN] = min(max(1, int(state.get(SHOWN, 1))), pages)
        if pages > 1:
            st.number_input(f"Page, of {pages:,}", 1, pages, step=1, key=SHOWN, width=160)
    st.caption(f"{plural(len(passages), 'passage')}. What is tinted stands at the end of the passage before as well.")
    start = (state[SHOWN] - 1) * PAGE
    for passage in passages[start : start + PAGE]:
        draw_passage(passage)


def draw_passage(passage: Passage, scores: str = "") -> None:
    """Draw one passage with its boundaries; or, where it was searched for, its scores and how it begins."""
    start, end = passage.span
    with st.container(border=True, gap="xsmall"):
        shared = f" · {passage.shared:,} shared" if passage.shared else ""
        name = f"{literal(passage.document.name)} · " if scores else ""
        st.markdown(f"**{name}{passage.number:,} · {escaped(passage.where)}** {scores}")
        if scores:
            st.markdown(_plain(cut(_line(passage.text), EXCERPT)))
            return
        before, rest = passage.text[: passage.shared], passage.text[passage.shared :]
        tinted = f":violet-background[{literal(_line(before))}] " if before.strip() else ""
        st.markdown(tinted + _plain(_line(rest)))
        st.caption(f"characters {start + 1:,} to {end:,}{shared}")


def score_badges(fused: float, lexical: float, dense: float | None) -> str:
    """Write the three scores of a passage, each with its name."""
    meaning = "none" if dense is None else f"{dense:.2f}"
    return " ".join(
        (
            badge("orange", f"fused {fused:.2f}"),
            badge("blue", f"lexical {lexical:.2f}"),
            badge("violet", f"dense {meaning}"),
        )
    )


def _plain(line: str) -> str:
    """Make a line of a file stand as it is: no sign at its beginning makes a heading or a list of it."""
    return f"\u2060{literal(line)}"


def _line(text: str) -> str:
    """Write a passage on one line, the ends of its lines as signs."""
    return " ↵ ".join(" ".join(line.split()) for line in text.strip().splitlines() if line.strip())
