"""The items of the store, each as a card: what it says, since when, out of which turn, and what it said before.

Session keys: `longterm_shown` (how many), `longterm_deleted` (what can be taken back), `longterm_told`,
`longterm_notice`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from memory.errors import InspectorError
from memory.longterm.editing import DAY, delete, kinds, put_back, say_again, still_told
from memory.longterm.facts import Fact, Version, from_row
from memory.longterm.feedback import KIND as FEEDBACK
from memory.longterm.rows import Row
from pages.ui import longterm_forms
from pages.ui.changes import draw_difference
from pages.ui.longterm_sources import draw_sources, when
from pages.ui.longterm_store import Entry, View, folders, kind_label, place_label
from pages.ui.note_actions import FORGET, Target, open_dialog
from pages.ui.security import inert
from pages.ui.words import badge, literal, percentage, plural, score

AT_ONCE = 20
"""Items drawn at first and added by a click."""
UNDONE = 20
"""How many deletions can be taken back."""
EXCERPT = 90
"""Characters of an item that say which one it was."""
LONGEST = 4_000
"""Characters of a field that are drawn; all of it is in the form for editing."""


def empty() -> None:
    """Say what would be here, and how it comes about."""
    st.markdown("**Nothing is remembered of you yet.**")
    st.markdown(
        "In the chat, choose one of the long-term memories (Facts, Profile, Episodes or Procedures) and tell it "
        "something, such as “I work at Acme in the ML team”. What it keeps of that appears here with the turn it came "
        "from, and every conversation of this browser that uses such a memory knows it. You can change it, take it "
        "back and forget it for good at any time, or add something yourself with the button above."
    )


def notices(view: View) -> None:
    """Say what was done, and offer to take back the last deletion."""
    state = st.session_state
    if told := state.pop("longterm_told", ""):
        st.success(inert(told), icon=":material/task_alt:")
    if notice := state.pop("longterm_notice", ""):
        st.error(inert(notice), icon=":material/error:")
    gone: list[Row] = state.get("longterm_deleted", [])
    if not gone:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="longterm_undo_notice"):
        said = _said(gone[-1])
        more = f" and {plural(len(gone) - 1, 'item')} before it" if len(gone) > 1 else ""
        st.markdown(f":material/delete: Deleted{more}: {literal(said)}", width="stretch")
        if st.button("Undo", icon=":material/undo:", key="longterm_undo"):
            _undo(view, gone)
        if st.button("Close", type="tertiary", key="longterm_undo_close", help="It cannot be taken back then"):
            state.pop("longterm_deleted")
            st.rerun()


def _said(row: Row) -> str:
    fact = from_row(row)
    said = fact.text if fact else json.dumps(dict(row.value), ensure_ascii=False)
    return said if len(said) <= EXCERPT else f"{said[:EXCERPT].rstrip()} …"


def _undo(view: View, gone: list[Row]) -> None:
    row = gone[-1]
    try:
        left = still_told(view.store, view.user, row)
        if left:
            put_back(view.items, left)
        told = "It is back." if left else "Its turn was forgotten since: it does not come back."
        st.session_state.longterm_told = told
        gone.pop()
    except InspectorError as error:
        st.session_state.longterm_notice = str(error)
    st.rerun()


def draw(view: View, entries: Sequence[Entry]) -> None:
    """Draw items, the first of many; the others on demand."""
    state = st.session_state
    shown = state.get("longterm_shown", AT_ONCE)
    first = f", the first {shown:,} of them" if len(entries) > shown else ""
    st.caption(f"{plural(len(entries), 'item')}{first}" if entries else "No item is as the search and the filters say.")
    for entry in entries[:shown]:
        with st.container(border=True, gap="xsmall", key=f"longterm_item_{entry.id}"):
            _item(view, entry, len(entries) == 1)
    if len(entries) > shown and st.button(f"Show {min(AT_ONCE, len(entries) - shown):,} more", key="longterm_more"):
        state.longterm_shown = shown + AT_ONCE
        st.rerun()


def _item(view: View, entry: Entry, alone: bool) -> None:
    fact, row = entry.fact, entry.row
    kind = kind_label(fact.kind) if fact else "written by another program"
    head = [badge("violet", kind)]
    head += [badge("gray", f"score {score(entry.score)}")] if entry.score is not None else []
    known_as = place_label(row.namespace[:-1] if fact and row.namespace[-1] in folders() else row.namespace)
    st.markdown(" ".join(head) + (f" :small[in {known_as}]" if known_as else ""))
    editing = st.session_state.get("longterm_editing")
    known = kinds().get(fact.kind) if fact else None
    if fact is None:
        st.code(json.dumps(dict(row.value), ensure_ascii=False, indent=1)[:LONGEST], "json", wrap_lines=True)
    elif editing and editing[0] == entry.id:
        longterm_forms.draw_edit(view, editing[1], entry.id, row.ttl)
    elif known and known.single and fact.kind != "Instructions":
        st.text("\n".join(f"{longterm_forms.name_of(name)}: {value}" for name, value in fact.fields())[:LONGEST])
        with st.expander("The profile as a form", alone, icon=":material/edit_note:", type="compact"):
            longterm_forms.draw_profile(view, fact, entry.id)
    else:
        _content(fact)
    _about(fact, row)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if fact:
            draw_sources(view, fact.sources, f"{entry.id}_now")
        _actions(view, entry)
    if fact:
        _versions(view, fact, entry.id)


def _content(fact: Fact) -> None:
    """Draw what an item says; of several fields each under its name."""
    if fact.kind == FEEDBACK:
        good, words = fact.content.get("good"), str(fact.content.get("words", ""))
        st.markdown(f"{':material/thumb_up: helpful' if good else ':material/thumb_down: not helpful'}")
        st.text(words or "without words")
        used = "in the instructions" if fact.content.get("used") else "not in the instructions yet"
        st.caption(f"What you said of an answer; {used}.")
        return
    filled = {name: value for name, value in fact.content.items() if value not in (None, "", [], {})}
    fields = {name: value for name, value in filled.items() if name != "because"}
    for name, value in fields.items():
        if len(fields) > 1:
            st.markdown(f"**{literal(longterm_forms.name_of(name))}**")
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        st.text(text if len(text) <= LONGEST else f"{text[:LONGEST]} …")
    _because(fact.content.get("because"))


def _because(told: object) -> None:
    if told:
        st.caption(f"The feedback that caused it: {literal(str(told).replace('- ', ''))}")


def _about(fact: Fact | None, row: Row) -> None:
    said = []
    if fact and fact.kind not in (FEEDBACK, "Instructions"):
        said = [f"importance {fact.importance} of 10", f"confidence {percentage(fact.confidence)}"]
    said.append(f"{'since' if fact else 'changed'} {when(fact.at if fact and fact.at else row.updated)}")
    if fact and fact.history:
        said.append(f"version {len(fact.history) + 1:,}, which holds")
        said.append(f"first noted {when(fact.history[0].at)}")
    if row.ttl and row.expires:
        said.append(f"goes by itself {when(row.expires)}, {plural(round(row.ttl / DAY), 'day')} after it was last used")
    said.append(f"key {literal(row.key)}")
    st.caption(" · ".join(said))


# --- versions ---------------------------------------------------------------------------------------------------------


def _versions(view: View, fact: Fact, id: str) -> None:
    """Draw what it said before, the newest first: the newer statement holds, and the choice can be turned round."""
    if not fact.history:
        return
    name = f"{plural(len(fact.history), 'earlier version')}, superseded"
    with st.expander(name, icon=":material/history:", type="compact", key=f"longterm_versions_{id}"):
        st.caption("The newer statement holds. “Say this again” turns the choice round; nothing is lost by it.")
        now = Version(fact.content, fact.sources, fact.at, 0.0)
        after = [*fact.history[1:], now]
        for number in reversed(range(len(fact.history))):
            _version(view, fact, number, after[number], f"{id}_{number}")


def _version(view: View, fact: Fact, number: int, after: Version, key: str) -> None:
    version = fact.history[number]
    with st.container(border=True, gap="xsmall"):
        held = f"{when(version.at)} to {when(version.until)}"
        st.markdown(f"**Version {number + 1:,}** {badge('gray', 'superseded')} :small[{held}]")
        if set(version.content) == {"content"} == set(after.content):
            st.markdown(f"~~{literal(_text(version))}~~")
            st.markdown(f"Superseded by: {literal(_text(after))}")
        else:
            st.caption(f"What version {number + 2:,} changed in it:")
            draw_difference(_text(version), _text(after), f"longterm_difference_{key}")
        _because(version.content.get("because"))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button("Say this again", icon=":material/restore:", key=f"longterm_again_{key}"):
                _say_again(view, fact, number)
            draw_sources(view, version.sources, f"{key}_then")


def _say_again(view: View, fact: Fact, number: int) -> None:
    try:
        say_again(view.items, fact, number)
        st.session_state.longterm_told = f"Version {number + 1:,} holds again."
    except InspectorError as error:
        st.session_state.longterm_notice = str(error)
    st.rerun()


def _text(version: Version) -> str:
    """Write what a version says, a field a line."""
    content = {name: value for name, value in version.content.items() if name != "because"}
    if len(content) == 1:
        return str(next(iter(content.values())))
    fact = Fact("", (), "", content)
    return "\n".join(f"{name}: {value}" for name, value in fact.fields())


# --- what can be done -------------------------------------------------------------------------------------------------


def _actions(view: View, entry: Entry) -> None:
    fact, row = entry.fact, entry.row
    known = kinds().get(fact.kind) if fact else None
    form = known and known.single and fact and fact.kind != "Instructions"
    editable = fact and fact.kind != FEEDBACK and not form
    if editable and st.button("Edit", icon=":material/edit_note:", type="tertiary", key=f"longterm_edit_{entry.id}"):
        st.session_state.longterm_editing = (entry.id, fact)
        st.rerun()
    if st.button("Delete", icon=":material/delete:", type="tertiary", key=f"longterm_delete_{entry.id}"):
        _delete(view, row)
    if fact and st.button(
        "Forget…",
        icon=":material/ink_eraser:",
        type="tertiary",
        key=f"longterm_forget_{entry.id}",
        help="For good, with its versions, its vectors and the copies of it in prompts; see first what goes",
    ):
        st.session_state.pop("longterm_deleted", None)
        open_dialog(FORGET, Target("", item=row.key))


def _delete(view: View, row: Row) -> None:
    state = st.session_state
    try:
        gone = delete(view.items, row.namespace, row.key)
        state.longterm_deleted = [*state.get("longterm_deleted", []), gone][-UNDONE:]
    except InspectorError as error:
        state.longterm_notice = str(error)
    st.rerun()
