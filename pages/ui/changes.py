"""What changed between two turns, and what the memory wrote after one; texts with what was added and removed.

An addition is underlined after a "+", a removal struck through after a "−", and both are told in words to those who
hear the page: colour means where a piece of the prompt came from and nothing else. Texts are set as text, never HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import streamlit as st

from memory.base import Note
from memory.inspection.changes import Change, Moment, changes, differences, listed, notes_changed
from memory.inspection.formed import formed
from memory.inspection.held import notes_between
from memory.inspection.inspect import Inspection
from memory.tokens import count_tokens
from memory.trace import Trace
from pages.ui.strip import ALL
from pages.ui.words import (
    badge,
    escaped,
    fetch,
    is_recall,
    label_of,
    literal,
    model_name,
    money,
    note_name,
    number,
    plural,
    seconds,
    tokens,
    turn_list,
    turns,
)

SHOWN = 6
"""Up to so many rewritten texts are drawn at once; the others on demand."""
MOST = 100
"""How many are drawn on demand."""
SAME, END = 400, 120
"""Characters that may stay the same in one stretch; of more only so many are shown of each end."""
MOST_NAMED = 8
"""How many of the things that came in, or left, are named."""
LONG = 20_000
"""Characters of a difference that are drawn."""
MOVED = {"came": ("blue", "came in"), "gist": ("violet", "now only its gist"), "left": ("gray", "left")}


def draw_changes(seen: Inspection) -> None:
    """Draw what is different from another turn, at first from the one before."""
    if seen.length < 2:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.markdown("**Changed since turn**", width="content")
        against = _against(seen)
    other = seen.at(against - 1) if against != seen.trace.turn + 1 else None
    if other is None:
        st.caption("Choose another turn to compare this one with.")
        return
    old, new = (other, seen) if other.trace.turn < seen.trace.turn else (seen, other)
    if new is not seen:
        st.caption(f"What turn {new.trace.turn + 1:,} has changed since this one.")
    before, after = notes_between(old, new)
    moments = (Moment(old.trace, before, old.instructions), Moment(new.trace, after, new.instructions))
    found = changes(*moments, new.events_since(old.trace.turn + 1))
    _moved(found, old, new)
    for change in found:
        _line(change)
    names = {**before, **after}
    texts = [change for change in found if change.kind in ("instructions", "note")]
    said = [(_title(one, names), one.before, one.after) for one in texts if not is_recall(one.what)]
    _recalls((one.what for one in texts), names)
    _texts(said, "changed")
    if not _brought(old, new) and not found:
        st.markdown("Nothing: the same memory sent the same turns and the same notes.")


def _brought(old: Inspection, new: Inspection) -> bool:
    """Name what came into the prompt and left it that stands in no turn and no note, as facts; False for nothing."""
    was, are = ([item.ref for item in one.trace.items if item.ref in one.trace.texts] for one in (old, new))
    moved = {"came": [ref for ref in are if ref not in was], "left": [ref for ref in was if ref not in are]}
    parts = [
        badge(MOVED[kind][0], f"{MOVED[kind][1]}: {', '.join(literal(note_name(ref)) for ref in refs[:MOST_NAMED])}")
        + (f" and {len(refs) - MOST_NAMED:,} more" if len(refs) > MOST_NAMED else "")
        for kind, refs in moved.items()
        if refs
    ]
    if parts:
        st.markdown(" ".join(parts))
    return bool(parts)


def draw_since(seen: Inspection, held: Inspection) -> None:
    """Draw what people have edited and had forgotten after the turn was written; `held` is what is held since."""
    first = seen.trace.turn + 1
    events = [
        one for one in seen.events_since(first) if one.kind in ("edit", "forget", "reflect") and one.turn == first
    ]
    if not events:
        return
    st.markdown("**Since then**")
    for event in events:
        st.markdown(_event(event))
    written = {**seen.state.notes, **{note.id: note for note in seen.written}}
    found = notes_changed(written, held.state.notes) if held.trace.memory_key == seen.trace.memory_key else []
    names = {**written, **held.state.notes}
    _texts([(_title(one, names), one.before, one.after) for one in found], "since")


def draw_written(seen: Inspection) -> None:
    """Draw what the memory wrote of the turn, against what it said before, and the calls that it made for it."""
    calls, errors = seen.trace.own_calls, seen.trace.errors[1:] if seen.turn.status == "failed" else seen.trace.errors
    remembered = formed(seen)
    if not seen.written and not calls and not errors and not remembered:
        return
    st.markdown("**Written after this turn**")
    known = seen.state.notes if seen.written else {}
    both = [(note, known[note.id].text if note.id in known else "") for note in seen.written]
    said = [(_written(note, seen), before, note.text) for note, before in both if not is_recall(note.id)]
    _recalls((note.id for note in seen.written), {note.id: note for note in seen.written})
    said += [(f"**{literal(note_name(one.ref))}** remembered of you", one.before, one.after) for one in remembered]
    _texts(said, "written")
    for call in calls:
        figures = f"{tokens(call.input_tokens)} in, {number(call.output_tokens)} out, {money(call, seen.trace)}"
        st.caption(escaped(f"Own call ({call.purpose}): {figures}, {seconds(call.seconds)}."))
    for error in dict.fromkeys(errors):
        st.markdown(f":red[:material/error:] {escaped(error)}")


def _recalls(refs: Iterable[str], notes: Mapping[str, Note]) -> None:
    """Say which turns were recalled, and are as fresh again as if they had just been said."""
    # A ref is an id with a version.
    told = [notes[id] for ref in refs if is_recall(id := ref.partition(":")[0]) and id in notes]
    found = {turn for note in told for turn in range(*note.turns) if turn in note.data.get("turns", (turn,))}
    if found:
        st.markdown(f"Recalled, and so fresh again: {turn_list(sorted(found))}.")


def _written(note: Note, seen: Inspection) -> str:
    size = tokens(count_tokens(note.text, seen.trace.encoding), seen.trace.exact)
    covers = badge("violet", f"covers {turns(note.turns)}") if note.turns[1] else ""
    return f"**{literal(note_name(note.ref, {note.id: note}))}** {covers} {size}"


def _against(seen: Inspection) -> int:
    """Let the other turn be chosen, counted from 1; until it is, it is the one before."""
    state, before = st.session_state, max(1, seen.trace.turn)
    chosen = state.get("panel_against_chosen")
    state["panel_against"] = chosen if chosen and chosen <= seen.length else before

    def choose() -> None:
        typed = state["panel_against"]
        state["panel_against_chosen"] = None if typed == before else typed

    look: dict[str, Any] = {"label_visibility": "collapsed", "width": 130, "on_change": choose}
    return int(st.number_input("Turn to compare with", 1, seen.length, key="panel_against", **look))


def _moved(found: Sequence[Change], old: Inspection, new: Inspection) -> None:
    """Name the turns that came into the prompt and left it, and their weight."""
    moved = {change.kind: listed(change.turns) for change in found if change.kind in MOVED}
    if not moved:
        return
    parts = [badge(MOVED[kind][0], f"{MOVED[kind][1]}: {turn_list(of)}") for kind, of in moved.items()]
    come, gone = moved.get("came", ()), (*moved.get("gist", ()), *moved.get("left", ()))
    if len(come) + len(gone) <= ALL:
        trace = new.trace
        less, more = (sum(turn.count(trace.encoding) for turn in fetch(new.transcript, of)) for of in (gone, come))
        sums = [f"{tokens(less, trace.exact)} less"] if less else []
        sums += [f"{number(more, trace.exact) if sums else tokens(more, trace.exact)} more"] if more else []
        parts.append(", ".join(sums))
    st.markdown(" ".join(parts))


def _line(change: Change) -> None:
    """Say in a line what is no text and no turn."""
    if change.kind == "memory":
        before, after = (label_of(name) or "none" for name in (change.before, change.after))
        st.markdown(f"Memory: ~~{escaped(before)}~~ → **{escaped(after)}**")
    elif change.kind == "setting":
        before, after = change.before or "not there", change.after or "not there"
        st.markdown(f"Setting {escaped(change.what)}: ~~{escaped(before)}~~ → **{escaped(after)}**")
    elif change.kind == "model":
        before, after = (model_name(name) or "none" for name in (change.before, change.after))
        st.markdown(f"Model: ~~{escaped(before)}~~ → **{escaped(after)}**")
    elif change.event is not None:
        st.markdown(_event(change.event))


def _event(event: Trace) -> str:
    """Say what a person edited or had forgotten."""
    after = f"after turn {event.turn:,}"
    if event.kind == "forget":
        return f":material/ink_eraser: Forgotten {after}: {turn_list(listed(left.turns for left in event.left_out))}."
    if event.kind == "reflect":
        return f":material/psychology: Reflected {after}: {plural(len(event.calls), 'call')}; see Cost."
    gone = [item.ref for item in event.items if item.why == "forgotten"]
    refs = gone or (event.after.wrote if event.after else ())
    named = literal(", ".join(note_name(ref) for ref in refs) or "a note")
    return (
        f":material/ink_eraser: Forgotten {after}: {named}." if gone else f":material/edit: You edited {named} {after}."
    )


def _title(change: Change, names: Any) -> str:
    if change.kind == "instructions":
        return "**Instructions**"
    note = names.get(change.what.partition(":")[0])
    how = "new" if not change.before else "dropped" if not change.after else "rewritten"
    how = "edited by you" if note and note.ref == change.what and note.edited is not None else how
    return f"**{literal(note_name(change.what, names))}** {badge('gray', how)}"


# --- texts ------------------------------------------------------------------------------------------------------------


def _texts(texts: Sequence[tuple[str, str, str]], key: str) -> None:
    """Draw texts with what is different in them, each under its title; of very many the first ones."""
    for place, one in enumerate(texts[:SHOWN]):
        _text(*one, f"{key}_{place}")
    rest = texts[SHOWN:MOST]
    if rest:
        name = f"{len(texts) - SHOWN:,} more"
        more = st.expander(name, type="compact", key=f"panel_more_{key}", on_change="rerun")
        if more.open:
            with more:
                for place, one in enumerate(rest, SHOWN):
                    _text(*one, f"{key}_{place}")
                if len(texts) > MOST:
                    st.caption(f"{plural(len(texts) - MOST, 'other')} not drawn.")


def _text(title: str, before: str, after: str, key: str) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(title)
        if before == after:
            st.caption("In the same words as before.")
            return
        draw_difference(before, after, f"panel_difference_{key}")


def draw_difference(before: str, after: str, key: str) -> None:
    """Draw a text with what was added to it and removed from it, word by word."""
    _component()(data={"pieces": pieces(before, after)}, key=key)


def pieces(before: str, after: str) -> list[list[str]]:
    """Return the parts of two texts as they are drawn: long stretches that are the same by their ends."""
    drawn: list[list[str]] = []
    room = LONG
    for how, text in differences(before, after):
        if how == "=" and len(text) > SAME:
            first, last = text[:END].rsplit(" ", 1)[0], text[-END:].partition(" ")[2] or text[-END:]
            same = f"{len(text) - len(first) - len(last):,} characters are the same"
            drawn += [["=", first], ["…", same], ["=", last]]
            room -= 2 * END
            continue
        drawn.append([how, text[: max(0, room)]])
        room -= len(text)
        if room < 0:
            drawn.append(["…", "the rest is not drawn"])
            break
    return drawn


@cache
def _component() -> Any:
    return st.components.v2.component("text_difference", html=_HTML, css=_CSS, js=_JS)


# Each on several lines: a string of one line might be taken for a path.
_HTML = """
<div class="text">
</div>
"""

_CSS = """
.text {
  font-family: var(--st-font); color: var(--st-text-color); font-size: 0.933rem; line-height: 1.45;
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24em; overflow-y: auto;
}
.text:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 2px; }
ins {
  text-decoration: underline; text-decoration-thickness: 2px; text-underline-offset: 3px;
  background: color-mix(in srgb, var(--st-text-color) 9%, transparent); border-radius: 2px;
}
del { text-decoration: line-through; color: color-mix(in srgb, var(--st-text-color) 78%, transparent); }
.mark { text-decoration: none; display: inline-block; font-weight: 600; padding: 0 1px; user-select: none; }
.gap { font-style: italic; color: color-mix(in srgb, var(--st-text-color) 78%, transparent); }
.told {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
  user-select: none;
}
"""

_JS = """
export default function (component) {
  const { data, parentElement } = component
  const box = parentElement.querySelector(".text")
  box.replaceChildren()
  const make = (parent, tag, name, text) => {
    const element = document.createElement(tag)
    if (name) element.className = name
    // Whatever a user or a model wrote is set as text; it is never read as HTML.
    element.textContent = text
    parent.append(element)
    return element
  }
  for (const [how, text] of data.pieces) {
    if (how === "=") {
      box.append(document.createTextNode(text))
    } else if (how === "…") {
      make(box, "span", "gap", ` … ${text} … `)
    } else {
      const [tag, mark, word] = how === "+" ? ["ins", "+", "added"] : ["del", "−", "removed"]
      // A blank before the first word would part it from its mark.
      const blank = text.match(/^[^\\S\\n]*/)[0]
      const part = make(box, tag, "", blank)
      make(part, "span", "told", `[${word}: `)
      make(part, "span", "mark", mark).setAttribute("aria-hidden", "true")
      part.append(document.createTextNode(text.slice(blank.length)))
      make(part, "span", "told", "]")
    }
  }
  // What scrolls must be within the keyboard's reach.
  if (box.scrollHeight > box.clientHeight) box.tabIndex = 0
  else box.removeAttribute("tabindex")
}
"""
