"""The tab Instructions of the page Long-term memory: several instructions, each under a name, with what concerns it.

longterm_prompts.draw(chat, view)

Session keys: `longterm_prompt_…` of the form.
"""

from __future__ import annotations

import streamlit as st

from memory.errors import InspectorError
from memory.longterm.facts import from_row
from memory.longterm.prompt_store import GENERAL, KIND, LONGEST_WHEN, NAMESPACE, instructions_in, keep_prompt, prompt_of
from memory.longterm.prompts import MOST_PROMPTS, Prompt
from pages.ui import longterm_items
from pages.ui.chat_state import Chat
from pages.ui.longterm_store import Entry, View
from pages.ui.security import inert, inert_label
from pages.ui.words import plural

NEW = "A new name"


def draw(chat: Chat, view: View) -> None:
    """Draw the form, and below it the instructions that hold with their versions."""
    longterm_items.notices(view)
    prompts = [prompt_of(fact) for fact in instructions_in(view.items)]
    st.markdown(
        "How the assistant is to behave. A memory with **Procedures** sends all of this with each message. With a "
        "thumb and a word under an answer its model first says which instructions that concerns, then rewrites those, "
        "and after them what rests on them.",
    )
    with st.expander("Write instructions", icon=":material/edit_note:", expanded=not prompts):
        _form(view, prompts)
    if not prompts:
        st.caption("There are none yet: a thumb under an answer writes the first, or you do.")
        return
    entries = [Entry(row, from_row(row)) for row in view.rows() if row.namespace == NAMESPACE]
    longterm_items.draw(view, [entry for entry in entries if entry.fact and entry.fact.kind == KIND])


def _form(view: View, prompts: list[Prompt]) -> None:
    """Let instructions be written under a new name, or those of a known one be written anew."""
    names = [one.name for one in prompts]
    known = [*dict.fromkeys((GENERAL, *names)), *([NEW] if len(names) < MOST_PROMPTS else [])]
    name = st.selectbox("Which", known, format_func=inert_label, key="longterm_prompt_which")
    now = next((one for one in prompts if one.name == name), Prompt("" if name == NEW else name))
    key = f"longterm_prompt_{name}_{hash(now)}"
    with st.form(key, border=False):
        typed = now.name
        if name == NEW:
            typed = st.text_input("Name", key=f"{key}_name", max_chars=100, placeholder="tone")
        text = st.text_area("Instructions, one a line", now.text, key=f"{key}_text", max_chars=8_000, height=110)
        when = st.text_input(
            "What feedback concerns them (optional)",
            now.when,
            key=f"{key}_when",
            max_chars=LONGEST_WHEN,
            placeholder="of the manner of answers",
            help="In your words; the memory's model reads it when it chooses which instructions to change.",
        )
        others = [one for one in names if one != now.name]
        kept = [one for one in now.after if one in others]
        after = st.multiselect(
            "They rest on (optional)",
            others,
            kept,
            format_func=inert_label,
            key=f"{key}_after",
            help="When those change, these are looked at after them, so that they fit together.",
        )
        save = st.form_submit_button("Save", icon=":material/save:")
    if not save:
        return
    try:
        if name == NEW and typed.strip() in known:
            st.error(
                f"There are instructions named {inert(typed.strip())}: choose them above.", icon=":material/error:"
            )
            return
        keep_prompt(view.items, Prompt(typed, text, when, tuple(after)))
    except InspectorError as error:
        st.error(inert(str(error)), icon=":material/error:")
        return
    st.session_state.longterm_told = f"Saved: {plural(len(text.split()), 'word')} of instructions."
    st.rerun()
