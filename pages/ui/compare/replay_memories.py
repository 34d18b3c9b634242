"""The memories of a replay: chosen by family, each with its settings or with one setting over several values.

choose(draft)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from memory import catalog
from memory.compare.estimate import asks_a_model
from memory.compare.sweeps import AUTOMATIC, Group, listed, read_values, span
from memory.errors import BadInput
from pages.ui import controls
from pages.ui.compare.replay_draft import BEGIN, Draft, new_number
from pages.ui.memory_bar import pick
from pages.ui.security import inert
from pages.ui.words import literal, plural

NO_RANGE = "one value each"
LIST, SPAN = "A list", "From, to, step"
MOST_SAID = 160
"""Characters that the settings of a memory are told in."""


def choose(draft: Draft) -> None:
    """Draw what is compared, each with its settings, and the ways to add to it."""
    st.markdown("#### 2. Memories")
    with st.container(border=True, gap=None, key="compare_groups"):
        for number, group in list(draft.groups.items()):
            _row(draft, number, group)
        if not draft.groups:
            st.caption("None is chosen yet: add one below.")
    _add(draft)


def _row(draft: Draft, number: int, group: Group) -> None:
    label, shown = literal(group.label), draft.editing == number
    tried = f" · {plural(len(group.values), 'run')}" if group.setting else ""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.markdown(f"**{label}** {literal(_cut(group.said) or 'as it is by default')}{tried}", width="content")
        with st.container(horizontal=True, gap="small", width="content"):
            if st.button(
                "Done" if shown else "Change",
                icon=":material/check:" if shown else ":material/tune:",
                key=f"compare_change_{number}",
                type="tertiary",
                help=f"The settings of {label}, and one of them over several values",
            ):
                draft.editing = 0 if shown else number
                st.rerun()
            if st.button(
                "Once more",
                icon=":material/content_copy:",
                key=f"compare_copy_{number}",
                type="tertiary",
                help=f"{label} once more, with other settings",
            ):
                draft.editing = _copied(draft, group)
                st.rerun()
            if st.button(
                "Remove",
                icon=":material/close:",
                key=f"compare_remove_{number}",
                type="tertiary",
                help=f"Take {label} out",
            ):
                del draft.groups[number]
                draft.touched = True
                st.rerun()
    if shown:
        with st.container(border=True, gap="small", key="compare_editing"):
            _settings(draft, number, group)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SAID else f"{text[: MOST_SAID - 1]}…"


def _copied(draft: Draft, group: Group) -> int:
    """Add a memory once more behind itself; what is the same twice is run once, so it waits for another setting."""
    rows, number = list(draft.groups.items()), new_number()
    place = next(at for at, (_, one) in enumerate(rows) if one is group) + 1
    draft.groups = dict([*rows[:place], (number, group), *rows[place:]])
    draft.touched = True
    return number


def _settings(draft: Draft, number: int, group: Group) -> None:
    cls = catalog.load().memories.get(group.memory)
    if cls is None:
        st.caption(f":red[{literal(group.memory)} is no longer in the catalogue.] Take it out.")
        return
    fields = cls.Settings.model_fields
    if not fields:
        st.caption("It has no settings.")
        return
    try:
        memory = catalog.load().make(group.memory, dict(group.settings))
    except BadInput as error:
        st.caption(f":red[{inert(str(error))}] Take it out, and add it anew.")
        return
    problem = ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, field in fields.items():
            if name == group.setting:
                continue
            value, kind = getattr(memory.settings, name), controls.kind_of(field)
            key = f"compare_setting_{number}_{name}"
            if key not in st.session_state:
                st.session_state[key] = controls.shown(value, kind)
            new = controls.draw(name, kind, value, key, field.description, False, roomy=True)
            if new != value:
                try:
                    changed = catalog.load().make(group.memory, {**group.settings, name: new})
                except BadInput as error:
                    problem = _said(error, group)
                else:
                    _change(draft, number, replace(group, settings=_differing(changed)))
    ranged = [name for name, field in fields.items() if controls.kind_of(field).type is not dict]
    problem = _range(draft, number, group, ranged) or problem
    if problem:
        st.caption(f":red[:material/error: {inert(problem)}]")


def _range(draft: Draft, number: int, group: Group, names: list[str]) -> str:
    """Let one setting go over several values; return what is wrong with what is typed, "" where nothing is."""
    fields = catalog.load().memories[group.memory].Settings.model_fields
    options = [NO_RANGE, *names]
    chosen = st.selectbox(
        "Try several values of",
        options,
        index=options.index(group.setting) if group.setting in options else 0,
        format_func=lambda one: one if one == NO_RANGE else controls.label_of(one, controls.kind_of(fields[one])),
        key=f"compare_swept_{number}",
        width=260,
    )
    if chosen == NO_RANGE:
        if group.setting:
            _change(draft, number, replace(group, setting="", values=()))
        return ""
    kind, now = controls.kind_of(fields[chosen]), group.values if chosen == group.setting else ()
    try:
        written = _written(number, chosen, kind, now)
        rest = {name: value for name, value in group.settings.items() if name != chosen}
        new = read_values(replace(group, settings=rest, setting=chosen), written)
        if not new.values:
            return "Write the values to try, as in 2, 5, 10, 20."
    except BadInput as error:
        return _said(error, group)
    if new != group:
        _change(draft, number, new)
    return ""


def _written(number: int, name: str, kind: controls.Kind, now: tuple[Any, ...]) -> list[str]:
    """Draw the values of a range as they are typed or chosen."""
    shown = [AUTOMATIC if value is None else f"{value:g}" if isinstance(value, float) else str(value) for value in now]
    key = f"compare_values_{number}_{name}"
    if kind.choices or kind.type is bool:
        every = [*([AUTOMATIC] if kind.optional else []), *(kind.choices or ("True", "False"))]
        return list(
            st.pills(
                "Values",
                every,
                selection_mode="multi",
                default=[one for one in shown if one in every] or every,
                format_func=lambda one: controls.WORDS.get(one, {"True": "on", "False": "off"}.get(one, one)),
                key=key,
            )
        )
    numbers = kind.type in (int, float)
    how = LIST
    if numbers:
        how = st.segmented_control(
            "How the values are given", [LIST, SPAN], default=LIST, required=True, key=f"{key}_how",
            label_visibility="collapsed",
        )  # fmt: skip
    if how == LIST:
        hint = _bounds(kind)
        text = st.text_input("Values, between commas", ", ".join(shown), max_chars=1_000, key=key, help=hint or None)
        return listed(text) if numbers else [part.strip() for part in text.split(";") if part.strip()]
    low = f"{kind.low or 0:g}"
    with st.container(horizontal=True):
        first = st.text_input("From", shown[0] if shown else low, max_chars=20, key=f"{key}_from", width=110)
        last = st.text_input("To", shown[-1] if shown else low, max_chars=20, key=f"{key}_to", width=110)
        step = st.text_input("Step", "1", max_chars=20, key=f"{key}_step", width=110)
    return span(first, last, step)


def _bounds(kind: controls.Kind) -> str:
    parts = [] if kind.low is None else [f"from {kind.low:,g}"]
    parts += [] if kind.high is None else [f"to {kind.high:,g}"]
    return " ".join(parts) + (f"; or {AUTOMATIC}" if kind.optional and parts else "")


def _change(draft: Draft, number: int, group: Group) -> None:
    draft.groups[number], draft.touched = group, True
    st.rerun()


def _differing(memory: Any) -> dict[str, Any]:
    usual = type(memory)().settings.model_dump(mode="json")
    return {name: value for name, value in memory.settings.model_dump(mode="json").items() if value != usual[name]}


def _said(error: BadInput, group: Group) -> str:
    said = str(error).removeprefix(f"{group.memory}: ")
    return f"{said[:1].upper()}{said[1:].rstrip('.')}. What was set before stays."


def _add(draft: Draft) -> None:
    known = catalog.load().memories
    free = [name for name in known if not asks_a_model(name)]
    with st.container(horizontal=True, vertical_alignment="center", key="compare_add"):
        with st.popover("Add a memory", icon=":material/add:", key=f"compare_adding_{len(draft.groups)}"):
            first = known.get(BEGIN[0]) or next(iter(known.values()))
            name = pick(first.family, None, "compare_add", f"{draft.number}_{len(draft.groups)}")
            if name:
                draft.groups[new_number()], draft.touched = Group(name), True
                st.rerun()
        if st.button(
            f"All {len(free)} that need no model",
            icon=":material/select_all:",
            help="Every memory that calls no chat model of its own, each as it is set by default",
        ):
            draft.add(*map(Group, free))
            st.rerun()
        other = draft.suggested and list(draft.groups.values()) != list(draft.suggested)
        if other and st.button("What the scenario suggests", icon=":material/lightbulb:"):
            draft.put(draft.suggested)
            draft.touched = False
            st.rerun()
        if draft.groups and st.button("Take all out", icon=":material/close:", type="tertiary"):
            draft.groups, draft.touched = {}, True
            st.rerun()
    for broken in catalog.load().broken:
        st.caption(f":red[Not loaded:] {inert(broken.file)}: {inert(broken.error)}")
