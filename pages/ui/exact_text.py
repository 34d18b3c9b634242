"""The whole prompt to read and copy, in three forms; one so long that not all of it was read is read on demand alone.

draw_exact_text(seen, laid)
"""

from __future__ import annotations

import streamlit as st

from memory.inspection.inspect import Inspection
from memory.inspection.laid_out import LaidOut
from memory.inspection.sent import as_json, as_text, with_sources
from pages.ui.copying import copy_button
from pages.ui.sources import name
from pages.ui.words import plural

INLINE = 100_000
"""Characters of a prompt that are shown on the page; a longer one is a file, and can be copied."""
FORMS = {"Messages": "json", "Text": "txt", "With sources": "json"}
CHANGED = (
    ":red[:material/warning:] This is not quite what was sent: something in it was forgotten or changed. "
    "The figures above are those of the prompt that was sent."
)


def draw_exact_text(seen: Inspection, laid: LaidOut) -> None:
    """Offer the whole prompt, as it was sent and with the source of each span."""
    with st.expander("The exact text, to copy", type="compact", key="panel_json", on_change="rerun") as more:
        if not more.open:
            return
        form = st.segmented_control(
            "Form of the exact text",
            list(FORMS),
            default="Messages",
            required=True,
            key="panel_json_form",
            label_visibility="collapsed",
            persist_state="session",
        )
        if not laid.unread or _wanted(seen, laid):
            _draw(seen, form or "Messages", laid)


def _wanted(seen: Inspection, laid: LaidOut) -> bool:
    """Ask whether a prompt is to be read of which not all was; once for each turn."""
    state, turn = st.session_state, seen.trace.turn_id
    if state.get("panel_json_read") == turn:
        return True

    def read() -> None:
        state["panel_json_read"] = turn

    st.caption(f"{plural(laid.unread, 'turn')} of it {'is' if laid.unread == 1 else 'are'} not read yet.")
    st.button("Read the whole prompt", key="panel_json_whole", on_click=read, icon=":material/unfold_more:")
    return False


def _draw(seen: Inspection, form: str, laid: LaidOut) -> None:
    with st.spinner("Putting the whole prompt together …", show_time=True):
        prompt = seen.rebuilt.prompt
        if form == "Text":
            text = as_text(prompt)
        elif form == "With sources":
            text = with_sources(prompt, lambda span: name(seen, span))
        else:
            text = as_json(prompt)
    if laid.unread:
        # Until now nobody could tell for sure.
        checked = ":material/check: Checked as a whole: it is what was sent, byte for byte."
        st.caption(checked) if seen.rebuilt.exact else st.markdown(CHANGED)
    kind = FORMS[form]
    if len(text) <= INLINE:
        st.code(text, "json" if kind == "json" else None, wrap_lines=True)
        return
    file, mime = f"prompt-{seen.trace.turn + 1}.{kind}", "application/json" if kind == "json" else "text/plain"
    st.download_button(f"Download {file}", text, file, mime, icon=":material/download:")
    copy_button(f"Copy {len(text):,} characters", text, key="panel_json_copy")
