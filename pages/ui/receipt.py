"""A receipt of what was forgotten, as a table that stays until it is closed; it repeats no word of it."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from memory.forgetting import Receipt, Row
from pages.ui.security import inert
from pages.ui.words import escaped, plural

KEPT = "receipt"
"""Under which name the session keeps the receipt that is shown."""


def keep_receipt(receipt: Receipt, told: str = "") -> None:
    """Have a receipt shown from the next drawing on, with a sentence of its own after it."""
    st.session_state[KEPT] = (receipt, told)
    # What a search has found may repeat what is forgotten now.
    st.session_state.pop("chat_found", None)


def close_receipt() -> None:
    st.session_state.pop(KEPT, None)


def draw_receipt() -> None:
    """Draw the receipt that is kept, until somebody closes it."""
    if kept := st.session_state.get(KEPT):
        with st.container(border=True, key="receipt_box"):
            _body(*kept)


def receipt_dialog() -> None:
    """Draw it over the page, where it is seen wherever one has scrolled to."""
    if st.session_state.get(KEPT):
        _dialog()


@st.dialog("Receipt", width="large", icon=":material/receipt_long:", on_dismiss=close_receipt)
def _dialog() -> None:
    if kept := st.session_state.get(KEPT):
        _body(*kept)


def _body(receipt: Receipt, told: str) -> None:
    icon = ":material/warning:" if receipt.left else ":material/info:" if receipt.kept else ":material/task_alt:"
    st.markdown(f"{icon} **Forgotten: {inert(receipt.what)}.** {summary(receipt)} {inert(told)}")
    rows = [
        {"place": escaped(row.place), "was there": f"{row.there:,}", "is left": escaped(found(row))}
        for row in receipt.rows
    ]
    with st.container(height=440 if len(rows) > 14 else "content", border=False):
        st.table(rows, border="horizontal", hide_index=True, alt="What was in each place, and what is left of it")
    with st.container(horizontal=True):
        st.download_button(
            "Download the receipt",
            receipt.json(),
            f"receipt-{datetime.fromtimestamp(receipt.at, UTC):%Y-%m-%d-%H%M%S}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.button("Close", key="receipt_close"):
            close_receipt()
            st.rerun()


def summary(receipt: Receipt) -> str:
    """Say in a sentence or two what came of it."""
    removed = plural(receipt.removed, "thing")
    told = f"{removed} removed; looked again everywhere that can be seen from here: "
    nothing = "nothing is left of what was chosen." if receipt.kept else "nothing is left."
    told += f"{receipt.left:,} found." if receipt.left else nothing
    if receipt.kept:
        told += f" **{escaped(receipt.standing[:1].upper() + receipt.standing[1:])}.**"
    if receipt.owed:
        told += " What could not be reached is removed later."
    return told


def found(row: Row) -> str:
    """Say what a second look has found in a place."""
    if row.kept:
        return row.said
    if row.owed:
        return f"later: {row.said}"
    if row.left is None:
        return row.said or "not to be seen from here"
    return f"{row.left:,}" if row.left else "nothing"
