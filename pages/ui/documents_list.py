"""The documents that are kept: each with its size and passages, to be looked at or deleted with a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from memory import forgetting
from memory.errors import InspectorError
from memory.knowledge.document import Document
from memory.knowledge.library import Library
from memory.knowledge.limits import limits, size_words
from memory.retrieval.index import Retrieval
from memory.store import Store
from pages.ui.documents_passages import open_document
from pages.ui.documents_upload import OUTCOME, embed_rest
from pages.ui.receipt import keep_receipt
from pages.ui.words import escaped, literal, plural

TALL = 6
"""More documents than these are scrolled."""


def draw_list(store: Store, retrieval: Retrieval, library: Library, user: str, documents: Sequence[Document]) -> None:
    """Draw the list, or what to do where it is empty."""
    if not documents:
        st.caption("No documents yet.")
        return
    used = sum(document.bytes for document in documents)
    st.markdown(
        f"**{plural(len(documents), 'document')}**, {size_words(used)} of {size_words(limits().total)}, "
        f"{plural(sum(document.passages for document in documents), 'passage')}"
    )
    with st.container(height=560 if len(documents) > TALL else "content", border=False, gap="small"):
        for document in documents:
            _row(store, retrieval, user, document)
    bare = library.bare()
    if bare:
        st.warning(
            f"{plural(sum(bare.values()), 'passage')} of {plural(len(bare), 'document')} have no vector yet: they are "
            "found by their words alone.",
            icon=":material/scatter_plot:",
        )
        if st.button("Embed the rest", icon=":material/play_arrow:", key="documents_embed"):
            embed_rest(library, list(bare))


def _row(store: Store, retrieval: Retrieval, user: str, document: Document) -> None:
    day = datetime.fromtimestamp(document.added, UTC)
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{literal(document.name)}**")
        told = f" · {escaped(document.told)}" if document.told else ""
        st.caption(
            f"{document.kind} · {size_words(document.bytes)} · {plural(document.passages, 'passage')} of at most "
            f"{document.size:,} characters, {document.overlap:,} shared · added {day.day} {day:%B %Y}{told}"
        )
        with st.container(horizontal=True):
            st.button(
                "Passages",
                icon=":material/segment:",
                key=f"documents_show_{document.id}",
                on_click=open_document,
                args=(document.id,),
            )
            with st.popover("Delete", icon=":material/delete:", key=f"documents_ask_{document.id}"):
                st.markdown(
                    "Its text, its vectors and the copies of it in prompts go for good. Answers that quote it stay in "
                    "their conversations. A receipt says what was removed."
                )
                if st.button("Delete for good", icon=":material/delete_forever:", key=f"documents_del_{document.id}"):
                    _delete(store, retrieval, user, document)


def _delete(store: Store, retrieval: Retrieval, user: str, document: Document) -> None:
    try:
        with st.spinner("Deleting it, and looking through every file"):
            keep_receipt(forgetting.forget_document(store, retrieval, user, document.id))
    except InspectorError as error:
        st.session_state[OUTCOME] = [("error", str(error))]
    st.rerun()
