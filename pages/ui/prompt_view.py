"""Prompt: word for word what the model was sent, in order, with the source and the tokens of each piece."""

from __future__ import annotations

import streamlit as st

from memory.inspection.inspect import Inspection
from memory.inspection.laid_out import LaidOut, Run
from memory.inspection.overhead import explained
from memory.inspection.pieces import Kind
from memory.inspection.used import Used, used
from memory.money.prompt_cache import cache_rule, cached_tokens
from pages.ui import xray_pictures
from pages.ui.exact_text import CHANGED, draw_exact_text
from pages.ui.sources import COLOURS, SORTS
from pages.ui.words import COLOURS as OF_SEGMENT
from pages.ui.words import badge, escaped, model_name, number, percentage, segment, tokens
from pages.ui.xray import draw_prompt
from pages.ui.xray_gaps import laid_out


def draw(seen: Inspection) -> None:
    """Draw the view."""
    trace = seen.trace
    if trace.kind == "import":
        st.markdown("There is no prompt to show.")
        return
    laid = laid_out(seen)
    found = used(trace, laid.pieces, seen.turn.ai, seen.turn.human, laid.unread)
    with st.container(gap="xsmall"):
        st.markdown(f"{_sums(seen, laid)} **= {tokens(trace.prompt_tokens, trace.exact)}**")
        if laid.edited:
            st.markdown(":material/edit: **Edited in step mode** before it was sent: not all of it is the memory's.")
        if not laid.exact:
            st.markdown(CHANGED)
        _states(found)
        draw_prompt(seen, laid, found)
        xray_pictures.draw(seen)
        if said := _prefix(seen):
            st.caption(said)
        if said := explained(trace, laid.counts):
            st.caption(escaped(said))
        _window(seen)
    draw_exact_text(seen, laid)


def _sums(seen: Inspection, laid: LaidOut) -> str:
    """Sum the tokens by source; of a prompt that cannot be put together again, as its trace has them."""
    trace = seen.trace
    if not laid.exact:
        counts = [(OF_SEGMENT[of], segment(of, [trace]), count) for of, count in trace.segments.items()]
    else:
        sums: dict[Kind, int] = {}
        for part in laid.parts:
            kind: Kind = "turn" if isinstance(part, Run) else part.kind
            sums[kind] = sums.get(kind, 0) + part.tokens
        counts = [(COLOURS[kind], SORTS[kind], count) for kind, count in sums.items()]
    return " ".join(badge(colour, f"{what} {count:,}") for colour, what, count in counts if count)


def _states(found: Used) -> None:
    """Keep apart what was retrieved, what was sent, and what shares words with the answer."""
    if not found.sent and found.retrieved is None:
        return
    parts = []
    if found.retrieved is not None:
        many = len(found.near)
        missed = f", {many:,} of them {'a near miss' if many == 1 else 'near misses'}" if many else ""
        parts.append(f"**{found.retrieved:,}** retrieved{missed}")
    parts.append(f"**{found.sent:,}** sent")
    if found.compared:
        of = f" of the {found.compared:,} compared" if found.compared < found.sent else ""
        parts.append(
            f"**{found.overlapping:,}**{of} {'overlaps' if found.overlapping == 1 else 'overlap'} with the answer"
        )
    st.markdown(
        " · ".join(parts),
        help="Retrieved: found and ranked by a search. Sent: put into this prompt by the memory. Overlapping: names, "
        "numbers or rarer words of it, underlined below, stand in the answer too and not in your message. That is no "
        "proof that the model used it, nor that it did not use the others.",
    )


def _prefix(seen: Inspection) -> str:
    """Say how much of the prompt a provider can reuse, and what its rule makes of that."""
    trace = seen.trace
    if not trace.prefix:
        return ""
    said = f"Hatched: {tokens(trace.prefix, trace.exact)} that the prompt before began with as well."
    rule, of = cache_rule(trace.priced_as), escaped(model_name(trace.priced_as))
    if rule is None:
        return f"{said} No caching rule of {of} is known."
    if trace.prefix < rule.minimum:
        return f"{said} {of} caches from {rule.minimum:,} tokens on, so none of it."
    return f"{said} By the rule of {of}, {tokens(cached_tokens(trace.priced_as, trace.prefix))} of it can be cached."


def _window(seen: Inspection) -> None:
    """Say how much of the model's context window the prompt takes."""
    trace = seen.trace
    if not trace.context_window:
        st.caption(f"How much {model_name(trace.model)} takes at most is not known.")
        return
    share = trace.prompt_tokens / trace.context_window
    percent = percentage(share)
    st.progress(
        min(1.0, share),
        text=f"Context: {number(trace.prompt_tokens, trace.exact)} of {trace.context_window:,} tokens ({percent})",
    )
