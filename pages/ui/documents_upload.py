"""The box that takes files: several at once, read, cut and embedded under a progress bar, and what became of each."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from memory import rates
from memory.errors import InspectorError
from memory.knowledge.library import Added, Library
from memory.knowledge.limits import limits, size_words
from memory.knowledge.splitting import LARGEST, OVERLAP, SIZE, SMALLEST
from memory.money.prices import dollars
from memory.store import Store
from memory.trace import Call
from pages.ui import connections
from pages.ui.security import inert
from pages.ui.words import escaped, literal, plural

TYPES = ["txt", "md", "pdf", "html", "htm", "csv", "tsv"]
SAMPLE = Path(__file__).parents[2] / "memory" / "knowledge" / "samples" / "library-of-alexandria.md"
OUTCOME = "documents_outcome"
"""Under which name the session keeps what became of the last files: pairs of a kind and a sentence."""


def draw_upload(store: Store, user: str, has_some: bool) -> None:
    """Draw the box, and take in what is given to it."""
    most = limits()
    with st.form("documents_upload", clear_on_submit=True):
        files = st.file_uploader(
            "Files: txt, md, pdf, html or csv",
            type=TYPES,
            accept_multiple_files=True,
            # The server refuses what is over its own limit, whatever the box says.
            max_upload_size=max(1, min(most.file // 1_000_000, st.get_option("server.maxUploadSize"))),
            help=f"Up to {size_words(most.file)} each and {size_words(most.total)} in all. They stay in the store of "
            "this server; an embedding of a provider is sent their text.",
        )
        with st.expander("How they are cut", type="compact"):
            size = st.number_input(
                "Characters of a passage, at most", SMALLEST, LARGEST, SIZE, 100, key="documents_size"
            )
            overlap = st.number_input(
                "Characters that it shares with the one before, at most",
                0,
                LARGEST // 2,
                OVERLAP,
                20,
                key="documents_overlap",
            )
            st.caption(
                "Cut between paragraphs where that can be, else lines, sentences, words. To cut a file anew, "
                "upload it again."
            )
        wanted = st.form_submit_button("Add to the documents", icon=":material/add:")
    if wanted and not files:
        st.session_state[OUTCOME] = [("error", "Choose a file first.")]
        st.rerun()
    if wanted:
        _take_in(store, user, [(file.name, file.getvalue()) for file in files], int(size), int(overlap))
    if not has_some and st.button("Try it with a page on the Library of Alexandria", icon=":material/menu_book:"):
        _take_in(store, user, [(SAMPLE.name, SAMPLE.read_bytes())], SIZE, OVERLAP)


def draw_outcome() -> None:
    """Draw once what became of the last files."""
    for kind, told in st.session_state.pop(OUTCOME, []):
        if kind == "error":
            st.error(inert(told), icon=":material/error:")
        else:
            st.info(told, icon=":material/task_alt:" if kind == "done" else ":material/info:")


def embed_rest(library: Library, ids: list[str]) -> None:
    """Go on embedding documents, under a progress bar."""
    place, told = st.empty(), []
    for id in ids:
        if trouble := library.embed(id, lambda share, said: place.progress(share, literal(said))):
            told.append(("error", trouble))
    place.empty()
    st.session_state[OUTCOME] = told or [("done", "All passages have their vectors.")]
    st.rerun()


def _take_in(store: Store, user: str, files: list[tuple[str, bytes]], size: int, overlap: int) -> None:
    """Add files one after the other: what is wrong with one stops none of the others."""
    calls: list[Call] = []
    library = connections.retrieval().library(store.shelf, user, calls.append)
    outcome: list[tuple[str, str]] = []
    place = st.empty()
    for number, (name, data) in enumerate(files):

        def told(share: float, what: str, number: int = number) -> None:
            place.progress((number + share) / len(files), f"{literal(what)} ({number + 1} of {len(files)})")

        told(0.0, name)
        try:
            rates.admit(store, user, "uploads")
            outcome += _said(library.add(name, data, size, overlap, told))
        except InspectorError as error:
            outcome.append(("error", str(error)))
    place.empty()
    if tokens := sum(call.input_tokens for call in calls):
        costs = [call.cost for call in calls]
        cost = None if any(one is None for one in costs) else sum(one for one in costs if one)
        free = "free, on this computer" if cost == 0 else dollars(cost)
        outcome.append(("info", f"Embedded: {plural(tokens, 'token')}, {free}."))
    st.session_state[OUTCOME] = outcome
    st.rerun()


def _said(added: Added) -> list[tuple[str, str]]:
    document = added.document
    name = literal(document.name)
    if added.known:
        said = f"**{name}** is here already, with the same content, and was not added twice."
    else:
        said = f"**{name}** is cut into {plural(document.passages, 'passage')}. {escaped(document.told)}"
    told = [("info" if added.known else "done", said.strip())]
    if added.trouble:
        told.append(("error", f"{added.trouble} Until its passages have vectors they are found by their words."))
    return told
