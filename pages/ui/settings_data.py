"""Your data in the settings: how much there is, all of it as a file, a file brought in, everything deleted.

What a form did is told by `outcome` in the next run of the page, above the form.
"""

from __future__ import annotations

from datetime import date
from functools import partial

import streamlit as st

from memory import exchange, forgetting
from memory.errors import InspectorError
from memory.lessons import playing
from memory.store import Store
from pages.ui import connections, importing
from pages.ui.receipt import draw_receipt, keep_receipt
from pages.ui.security import inert
from pages.ui.words import plural

CONFIRM = "delete"
OF_THE_USER = ("chat_", "panel_", "compare_", "lessons_", "connections_", "settings_api_key", "settings_trial")
"""How the names begin in the page's session under which a user's texts, keys and choices stand."""


def outcome(store: Store | None, user: str) -> None:
    """Draw once what the last form did, or why it did not; and what came in last, until it is closed."""
    importing.refused()
    if store is not None:
        importing.outcome(store, user)
    if told := st.session_state.pop("settings_receipt", None):
        st.info(inert(told), icon=":material/receipt_long:")
    if told := st.session_state.pop("settings_refused", None):
        st.error(inert(told), icon=":material/error:")
    draw_receipt()


def summary(store: Store, user: str) -> str:
    """Say whose data this is and how much of it there is."""
    try:
        threads, deleted = len(store.threads(user)), len(store.threads(user, deleted=True))
    except InspectorError as error:
        return inert(str(error))
    waiting = f", and {deleted:,} deleted within the last ten minutes" if deleted else ""
    return (
        f"This browser is known as `{user[:6]}…` and has {plural(threads, 'conversation')}{waiting}. "
        f"A conversation goes by itself {connections.expire_days():,g} days after its last use. "
        f"On the command line (`python -m memory forget`) it is `--user {user}`."
    )


def export_button(store: Store, user: str) -> None:
    """Draw the button that gives everything out as one file; it is made when it is asked for."""
    st.download_button(
        "Export everything",
        partial(exchange.export_user, store, user),
        f"memory-inspector-{date.today():%Y-%m-%d}.json",
        "application/json",
        icon=":material/download:",
        on_click="ignore",
        help="All conversations with what the side panel shows of them, their pictures, what is remembered across "
        "them, and these settings, in one file.",
    )
    st.caption("Documents are not in it: keep the files, and upload them again where you import.")


def import_form(store: Store, user: str) -> None:
    """Draw the box that takes a file."""
    if importing.import_box(store, user) or importing.REFUSED in st.session_state:
        st.rerun()


def delete_form(store: Store, user: str) -> None:
    """Draw the box that deletes everything once the word is typed."""
    with st.form("settings_delete", clear_on_submit=True):
        typed_word = st.text_input(
            f'Delete everything of this browser: type "{CONFIRM}" to confirm. This cannot be undone.',
            autocomplete="off",
            max_chars=20,
        )
        if st.form_submit_button("Delete everything", icon=":material/delete_forever:"):
            if typed_word.strip().lower() == CONFIRM:
                _remove_everything(store, user)
            else:
                st.session_state.settings_refused = f'Nothing was deleted: type "{CONFIRM}" into the box first.'
            st.rerun()


def _remove_everything(store: Store, user: str) -> None:
    """Erase what is kept of this browser, look whether anything is left, and leave a receipt of both."""
    state = st.session_state
    try:
        with st.spinner("Removing everything, and looking through every file"):
            playing.stop_all(user)
            gone = forgetting.erase(store, connections.retrieval(), user)
    except InspectorError as error:
        state.settings_refused = str(error)
        return
    for key in map(str, list(state)):
        if key.startswith(OF_THE_USER):
            del state[key]
    keep_receipt(gone)
    told = f"Removed: {plural(gone.there('threads'), 'conversation')} with {plural(gone.there('turns'), 'turn')}, "
    told += "your settings, temporary chats and any key typed here. Checked afterwards: "
    told += "another tab has written again meanwhile; close it and delete again." if gone.left else "nothing is left."
    state.settings_receipt = told
