"""Names with values, typed one to a line: "name = value".

>>> parsed("name = Alex\\ncity = Oslo")
{'name': 'Alex', 'city': 'Oslo'}
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from memory.errors import BadInput
from pages.ui.security import inert
from pages.ui.words import plural


def written(pairs: Mapping[str, str]) -> str:
    """Write pairs one to a line."""
    return "\n".join(f"{name} = {' '.join(value.split())}" for name, value in pairs.items())


def parsed(text: str) -> dict[str, str]:
    """Read what was typed; raises BadInput that names the line and what to do."""
    pairs: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, _, value = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not name or not value:
            raise BadInput(f"Line {number} is not used: write it as name = value.")
        if name in pairs:
            raise BadInput(f"Line {number} is not used: {name} stands in a line above already.")
        pairs[name] = value
    return pairs


def pairs_control(label: str, pairs: dict[str, str], key: str, help: str | None, disabled: bool) -> dict[str, str]:
    """Draw the button that opens the pairs to be written anew; return what was saved, else `pairs`."""
    if st.button(plural(len(pairs), "fact"), icon=":material/edit_note:", disabled=disabled, key=f"{key}_edit"):
        st.session_state[f"{key}_open"] = True
    if st.session_state.get(f"{key}_open") and not disabled:
        # Below its button, at the bottom of the window, there would be no room to type.
        dialog = st.dialog("Facts", icon=":material/edit_note:", on_dismiss=partial(_close, key))
        dialog(_editor)(label, pairs, key, help)
    new: dict[str, str] = st.session_state.pop(f"{key}_saved", pairs)
    # A value of several lines, as a command can give it, is shown on one and stays as it is until it is changed.
    return pairs if new == parsed(written(pairs)) else new


def _close(key: str) -> None:
    st.session_state.pop(f"{key}_open", None)


def _editor(label: str, pairs: dict[str, str], key: str, help: str | None) -> None:
    text = st.text_area(
        f"{label.capitalize()}, one to a line",
        written(pairs),
        key=f"{key}_text",
        help=help,
        placeholder="name = value",
        height=280,
    )
    problem, new = "", pairs
    try:
        new = parsed(text or "")
    except BadInput as error:
        problem = str(error)
    with st.container(horizontal=True):
        save = st.button("Save", icon=":material/check:", key=f"{key}_save")
        leave = st.button("Cancel", type="tertiary", key=f"{key}_cancel")
    if problem:
        st.error(inert(problem))
    elif save:
        st.session_state[f"{key}_saved"] = new
    if leave or (save and not problem):
        _close(key)
        st.rerun()
