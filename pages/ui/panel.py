"""The side panel: what the memory holds, what was sent, what was left out, what it cost; all of it read from one trace.

with st.sidebar:
    panel(store, user, thread, length)
"""

from __future__ import annotations

import streamlit as st

from memory.errors import InspectorError
from memory.inspection.inspect import Inspection, inspect
from memory.pictures.picture import typed
from memory.retrieval.index import Retrieval
from memory.store import Store
from pages.ui import cost, left_out, memory_now, prompt_view
from pages.ui.memory_now import Current
from pages.ui.note_actions import WATCHED
from pages.ui.player import draw_player, pause
from pages.ui.words import (
    escaped,
    label_of,
    literal,
    memory_label,
    merged_and_gone,
    note_name,
    plural,
    turn_list,
    turns,
)

NOW = "Memory now"
VIEWS = {
    "Prompt": prompt_view.draw,
    "Left out": left_out.draw,
    "Cost": cost.draw,
}
OF_THREAD = (
    "panel_source",
    "panel_source_of",
    "panel_source_chosen",
    "panel_strip_place",
    "panel_prompt_open",
    "panel_prompt_counted",
    "panel_json_read",
    "panel_against_chosen",
    "panel_moment_of",
)
"""What is kept of one thread and means nothing in another."""
FINE = 100
"""Up to so many turns the slider alone is fine enough to meet one."""
ASKED = 90
"""Characters of the turn's message that say which one it is."""
MOST_NAMED = 3
"""Up to so many notes are named one by one."""
# On a phone the four views stand in one row.
_NARROW = "<style>@media (max-width: 640px) { .st-key-panel_view button { padding-inline: 0.35rem; } }</style>"


def draw(
    store: Store,
    user: str,
    thread: str,
    length: int,
    retrieval: Retrieval | None = None,
    current: Current | None = None,
    only_watched: bool = False,
    still: bool = False,
) -> None:
    """Draw the panel of a thread that has `length` turns, in a fragment: a click in it draws that alone again.

    `retrieval` is what its turns were searched with, for weights and maps; `current` the memory that reads the next
    message. In one that is `only_watched` nothing can be forgotten or edited; `still` leaves the way through the turns
    out.
    """
    st.session_state[WATCHED] = thread if only_watched else ""
    st.html(_NARROW)
    view = st.segmented_control(
        "View of the memory",
        [NOW, *VIEWS],
        default=None if "panel_view" in st.session_state else NOW,
        required=True,
        key="panel_view",
        label_visibility="collapsed",
        width="stretch",
        wrap=True,
        persist_state="session",
    )
    if length < 1:
        st.markdown("**Nothing was sent yet.** With your first message this panel shows:")
        st.markdown(
            "- **Memory now**: what the memory holds of this conversation\n"
            "- **Prompt**: word for word what the model was sent\n"
            "- **Left out**: which turns did not reach it, and why\n"
            "- **Cost**: tokens, time and money of each turn"
        )
        return
    try:
        seen = inspect(store, user, thread, _turn(thread, length, still) - 1, length, retrieval)
        if seen is None:
            st.markdown("This turn is no longer stored. Reload the page to see what there is.")
            return
        with st.container(gap="xsmall"):
            st.markdown(_first_line(seen))
            if asked := " ".join(typed(seen.turn.human, seen.turn.pictures).split()):
                st.caption(escaped(asked if len(asked) <= ASKED else f"{asked[:ASKED].rstrip()} …"))
            if current and current.since(seen):
                st.markdown(_switched(seen, current))
        if view in VIEWS:
            VIEWS[view](seen)
        else:
            memory_now.draw(seen, current)
    except InspectorError as error:
        st.markdown(f":red[:material/error:] {escaped(str(error))}")


panel = st.fragment(draw)


def _turn(thread: str, length: int, still: bool) -> int:
    """Let a turn be chosen; the newest is shown until the user moves to an earlier one."""
    state = st.session_state
    known = state.get("panel_known")
    if known is None or known[0] != thread:
        for key in OF_THREAD:
            state.pop(key, None)
        at = length
        pause()
    else:
        at = state.get("panel_turn_kept", length)
        at = length if at >= known[1] else at
    # Only a move of the user's counts: a slider forgets its place while it is not drawn, as through an outage.
    state["panel_known"] = (thread, length)
    state["panel_turn"] = state["panel_turn_kept"] = turn = min(at, length)
    if length > 1 and not still:
        with st.container(gap="xsmall"):
            _slider(length)
            draw_player(turn, length)
    return turn


def lead(thread: str, length: int, view: str, turn: int, source: int | None = None) -> None:
    """Have the panel show a view of a turn, and with it the card of another one, `source`; all counted from 1."""
    state = st.session_state
    if state.get("panel_known", ("",))[0] != thread:
        for key in OF_THREAD:
            state.pop(key, None)
    pause()
    state["panel_known"], state["panel_turn_kept"] = (thread, length), turn
    state["panel_view"] = view
    state["panel_moment"] = "asked"
    if source is not None:
        # Under no turn the strip looks anew which card is open.
        state["panel_source_of"], state["panel_source_chosen"] = None, source


def _moved() -> None:
    # The slider of a thread that was left meanwhile has no value any more.
    st.session_state["panel_turn_kept"] = st.session_state.get("panel_turn", st.session_state.get("panel_turn_kept", 1))
    pause()


def _slider(length: int) -> None:
    look = {"key": "panel_turn", "format": "turn %d", "label_visibility": "collapsed", "on_change": _moved}
    if length <= FINE:
        st.slider("Turn of the conversation", 1, length, **look)
        return
    with st.container(horizontal=True, vertical_alignment="bottom", wrap=False):
        st.slider("Turn of the conversation", 1, length, **look)
        st.session_state["panel_turn_exact"] = st.session_state["panel_turn"]
        exact = {"key": "panel_turn_exact", "on_change": _exactly, "label_visibility": "collapsed", "width": 130}
        st.number_input("Turn of the conversation, exactly", 1, length, **exact)


def _exactly() -> None:
    kept = st.session_state.get("panel_turn_kept", 1)
    st.session_state["panel_turn_kept"] = st.session_state.get("panel_turn_exact", kept)
    pause()


def _first_line(seen: Inspection) -> str:
    """Say which memory, which turn and what changed."""
    at = f"turn {seen.trace.turn + 1:,} of {seen.length:,}{' (now)' if seen.now else ''}"
    if seen.trace.kind == "import":
        return f"At {at}. This turn was imported: no prompt was sent for it."
    line = f"**{escaped(memory_label(seen.trace))}** at {at}: {_change(seen)}."
    if seen.trace.read_length < seen.trace.turn:
        between = (seen.trace.read_length, seen.trace.turn)
        line += f" Another tab wrote {turns(between)} in between; the prompt was made before."
    return line


def _switched(seen: Inspection, current: Current) -> str:
    """Say that the memory was changed since the turn that is shown."""
    trace = seen.trace
    if current.name != trace.memory:
        what, first = f"Switched to **{escaped(label_of(current.name))}**", "the first that it reads"
    else:
        names = [name for name, value in current.settings.items() if trace.settings.get(name) != value]
        values = ", ".join(f"{name} = {now}" for name in names if not isinstance(now := current.settings[name], dict))
        what, first = f"Changed to **{escaped(values)}**" if values else "The facts were changed", "the first with that"
    return f":material/swap_horiz: {what}: your next message is {first}."


def _change(seen: Inspection) -> str:
    """Say what came into the prompt and what left it since the turn before."""
    earlier = seen.previous
    before = earlier.items if earlier else ()
    brought = [item.ref for item in seen.trace.items if not item.turns]
    notes = _names(seen, brought)
    new = _names(seen, [ref for ref in brought if ref not in {item.ref for item in before}])
    merged, gone = merged_and_gone(seen)
    parts = []
    if earlier and earlier.memory and earlier.memory != seen.trace.memory:
        parts.append(f"switched from {escaped(memory_label(earlier))}")
    parts += [f"{turn_list(seen.came)} came in"] if seen.came else []
    parts += [f"{name} came in" for name in new]
    if merged:
        parts.append(f"{turn_list(merged)} {'is' if len(merged) == 1 else 'are'} covered by a note now")
    if gone:
        parts.append(f"{turn_list(gone)} left")
    if parts:
        return ", ".join(parts)
    if seen.trace.read_length == 0:
        return "the first message, so there is nothing to remember yet"
    sent = sum(end - first for first, end in {item.turns for item in seen.trace.items if item.turns})
    same = [plural(sent, "earlier turn")] if sent else []
    return f"{' and '.join(same + notes)} sent, as at the turn before" if same + notes else "no earlier turn was sent"


def _names(seen: Inspection, refs: list[str]) -> list[str]:
    """Name the notes that were sent; of many only how many."""
    if len(refs) > MOST_NAMED:
        return [plural(len(refs), "note")]
    return [literal(note_name(ref, seen.named)) for ref in refs]
