"""Forms made of a kind's schema: what is added by hand, an item that is edited, the profile.

Session keys: `longterm_adding`, `longterm_editing` (the id of an item and the fact as it was seen), and
`longterm_form_…` of the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import streamlit as st

from memory.errors import InspectorError
from memory.longterm.editing import DAY, MOST_DAYS, Kind, add, edit, keep_for, kinds
from memory.longterm.facts import Fact
from pages.ui.longterm_store import View
from pages.ui.security import inert
from pages.ui.words import escaped

LONG = 200
"""Characters from which a field has several lines."""
NAMES = {"observation": "Situation", "content": "What is to be remembered"}


def name_of(field: str) -> str:
    """Name a field in words."""
    return NAMES.get(field, field.replace("_", " ").capitalize())


def add_button() -> None:
    """Draw the button that opens the form for something new."""
    if st.button("Add", icon=":material/add:", key="longterm_add"):
        st.session_state.longterm_adding = not st.session_state.get("longterm_adding")
        st.rerun()


def draw_add(view: View, place: tuple[str, ...]) -> None:
    """Draw the form for something new, while it is open."""
    if not st.session_state.get("longterm_adding"):
        return
    with st.container(border=True):
        known = kinds()
        names = sorted(known, key=lambda one: known[one].single)
        name = st.selectbox("Kind", names, format_func=lambda one: known[one].label, key="longterm_add_kind")
        kind, labels = known[name], "/".join(place[:-1])
        with st.form(f"longterm_form_new_{name}", border=False):
            content = _fields(kind, {}, f"longterm_form_new_{name}", columns=len(kind.fields) > 4)
            weights = _weights(5, 1.0, f"longterm_form_new_{name}")
            days = _days(None, f"longterm_form_new_{name}")
            typed = st.text_input(
                "Labels that keep it apart (optional)",
                labels,
                key=f"longterm_form_new_{name}_labels_{labels}",
                placeholder="acme/support",
                help="A memory knows it whose setting namespace has the same labels; without any, all others do.",
            )
            with st.container(horizontal=True):
                save = st.form_submit_button("Add it", icon=":material/add:")
                cancel = st.form_submit_button("Cancel", type="tertiary")
        if cancel:
            st.session_state.pop("longterm_adding")
            st.rerun()
        if save:
            try:
                add(view.items, name, content, typed.split("/"), *weights, days)
            except InspectorError as error:
                st.error(inert(str(error)), icon=":material/error:")
                return
            _done("Added: conversations whose memory keeps such things know it from their next message on.")


def draw_edit(view: View, fact: Fact, id: str, ttl: float | None) -> None:
    """Draw the form in which an item is edited, with what it said when it was opened; `ttl` are minutes or None."""
    with st.form(f"longterm_form_{id}", border=False):
        kind = kinds().get(fact.kind)
        content = _fields(kind, fact.content, f"longterm_form_{id}")
        weights = _weights(fact.importance, fact.confidence, f"longterm_form_{id}")
        days, before = _days(ttl, f"longterm_form_{id}"), _in_days(ttl)
        with st.container(horizontal=True):
            save = st.form_submit_button("Save", icon=":material/save:")
            cancel = st.form_submit_button("Cancel", type="tertiary")
    if cancel:
        st.session_state.pop("longterm_editing")
        st.rerun()
    if save:
        _save(view, fact, content, weights, days=(days,) if days != before else ())


def draw_profile(view: View, fact: Fact, id: str) -> None:
    """Draw a profile as a form that is always open: what is typed stays where the profile changes meanwhile."""
    state, seen_key = st.session_state, f"longterm_seen_{id}"
    seen: Fact = state.get(seen_key, fact)
    form = f"longterm_form_{id}_{len(seen.history)}_{seen.at}"
    if not any(str(name).startswith(form) for name in state):
        seen = fact
        form = f"longterm_form_{id}_{len(seen.history)}_{seen.at}"
    state[seen_key] = seen
    if seen.content != fact.content:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(":orange[:material/sync_problem:] The profile has changed since you opened this form.")
            if st.button("Show what it says now", key=f"longterm_fresh_{id}"):
                state.pop(seen_key)
                st.rerun()
    with st.form(form, border=False):
        content = _fields(kinds().get(seen.kind), seen.content, form, columns=True)
        save = st.form_submit_button("Save the profile", icon=":material/save:")
    if save:
        _save(view, seen, content, (seen.importance, seen.confidence), seen_key)


def _save(
    view: View,
    fact: Fact,
    content: dict[str, Any],
    weights: tuple[int, float],
    seen: str = "",
    days: tuple[int | None, ...] = (),
) -> None:
    try:
        edit(view.items, fact, content, *weights)
        for chosen in days:
            keep_for(view.items, fact, chosen)
    except InspectorError as error:
        st.error(inert(str(error)), icon=":material/error:")
        return
    st.session_state.pop(seen or "longterm_editing", None)
    _done("Saved: the next message is answered with it.")


def _done(told: str) -> None:
    st.session_state.pop("longterm_adding", None)
    st.session_state.longterm_told = told
    st.rerun()


# --- fields -----------------------------------------------------------------------------------------------------------


def _fields(kind: Kind | None, content: Mapping[str, Any], key: str, columns: bool = False) -> dict[str, Any]:
    """Draw a field for each of a schema; return what stands in them, with what has no field as it was."""
    names = kind.fields if kind else list(content)
    places = st.columns(2) if columns else [st.container()]
    typed = dict(content)
    for number, name in enumerate(names):
        info = kind.schema.model_fields[name] if kind else None
        about = escaped(info.description or "") if info else None
        most = next((one.max_length for one in info.metadata if hasattr(one, "max_length")), 0) if info else LONG + 1
        with places[number % len(places)]:
            typed[name] = _field(
                name, info.annotation if info else str, content.get(name), most, about, f"{key}_{name}"
            )
    return typed


def _field(name: str, annotation: Any, value: Any, most: int, about: str | None, key: str) -> Any:
    types = {annotation, get_origin(annotation), *get_args(annotation)}
    label = name_of(name)
    look: dict[str, Any] = {"key": key, "help": about}
    if list in types:
        lines = "\n".join(map(str, value or ()))
        typed = st.text_area(f"{label}, one a line", lines, height=80, **look)
        return [line for line in typed.splitlines() if line.strip()]
    if int in types or float in types:
        whole = int in types
        found = st.number_input(label, value=value, step=1 if whole else 0.1, **look)
        return found
    if str not in types:
        return value  # of a shape that no field has: it stays as it is
    text = "" if value is None else str(value)
    if most > LONG or len(text) > LONG or "\n" in text:
        return st.text_area(label, text, height="content", **look)
    return st.text_input(label, text, **look)


def _weights(importance: int, confidence: float, key: str) -> tuple[int, float]:
    with st.container(horizontal=True):
        weight = st.number_input("Importance (1 to 10)", 1, 10, importance, key=f"{key}_importance", width=180)
        sure = round(confidence * 100)
        percent = st.number_input("Confidence in %", 0, 100, sure, 5, key=f"{key}_confidence", width=180)
    # What was not touched stays exactly as it was.
    return int(weight), confidence if percent == sure else percent / 100


def _days(ttl: float | None, key: str) -> int | None:
    """Draw how long an item is kept; None for good."""
    return st.number_input(
        "Days until it goes by itself (empty: it stays)",
        1,
        MOST_DAYS,
        _in_days(ttl),
        key=f"{key}_days",
        width=300,
        help="Counted from when a conversation used it last; after them it is deleted.",
    )


def _in_days(ttl: float | None) -> int | None:
    return None if ttl is None else max(1, round(ttl / DAY))
