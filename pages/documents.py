"""Documents: files that a memory may quote from, what was cut where, and how well each passage fits a question."""

from __future__ import annotations

import streamlit as st

from memory.errors import StoreUnavailable
from pages.ui import connections, watch
from pages.ui.documents_list import draw_list
from pages.ui.documents_passages import draw_passages
from pages.ui.documents_search import draw_search
from pages.ui.documents_upload import draw_outcome, draw_upload
from pages.ui.identity import owner_id
from pages.ui.receipt import draw_receipt

user = owner_id().id
st.title("Documents")
st.markdown(
    "Upload files, and the memory **Documents** sends the passages that are most like each message, in every kept "
    "conversation of this browser. Here you see what was cut where, and what a question would find."
)
outage: StoreUnavailable | None = None
try:
    store = connections.store()
    retrieval = connections.retrieval()
    library = retrieval.library(store.shelf, user, lambda call: None)
    documents = library.listed()
except StoreUnavailable as error:
    outage = error
    watch.banner(error)
if outage is None:
    draw_receipt()
    draw_outcome()
    left, right = st.columns(2, gap="large")
    with left:
        draw_upload(store, user, bool(documents))
        draw_list(store, retrieval, library, user, documents)
    with right:
        draw_search(library, documents)
    if documents:
        draw_passages(library, documents)
watch.store(away=outage is not None)
