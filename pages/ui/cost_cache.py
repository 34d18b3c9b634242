"""Prompt caching: how much of the prompt was sent before, what ended that, what other settings would have spared."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from memory.inspection.inspect import Inspection
from memory.money.prefix import LOOK_BACK, Cause, alive, cause, last_sent
from memory.money.prices import dollars
from memory.money.prompt_cache import RULES_READ, CacheRule, cache_rule, cached_tokens
from memory.money.remedies import LAST, Remedy, remedies
from memory.trace import Call, Trace
from pages.ui.cost_table import table
from pages.ui.words import escaped, model_name, note_name, number, plural, seconds, tokens, turn_list

_MINUTE = 60


def draw(seen: Inspection, reply: Call) -> None:
    """Say what of a turn's prompt a cache could hold, what it spared, and what ended the reusable part."""
    with st.container(gap="xsmall"):
        st.markdown("**Prompt caching**")
        st.markdown(" ".join(escaped(sentence) for sentence in sentences(seen, reply) if sentence))
        if seen.trace.prefix and seen.trace.broken:
            st.button(
                "Show where the prefix ends",
                key="panel_prefix_end",
                icon=":material/arrow_forward:",
                type="tertiary",
                on_click=_to_prompt,
            )


def _to_prompt() -> None:
    st.session_state["panel_view"] = "Prompt"


def sentences(seen: Inspection, reply: Call) -> list[str]:
    """Say it in sentences: what was reusable, what ended it, what was cached, what it spared."""
    trace = seen.trace
    before = last_sent([one for one in seen.recent if one.turn < trace.turn][-LOOK_BACK:])
    if before is None and not trace.prefix:
        return ["No prompt was sent before this one, so nothing of it could be cached.", _spared(seen)]
    said = [f"{number(trace.prefix, trace.exact)} of {tokens(trace.prompt_tokens, trace.exact)} could be reused"]
    why = in_words(cause(before, trace), seen, before) if before else ""
    said[0] += f": {why}." if why else ": the prompt goes on where the one before ended." if not trace.broken else "."
    return [*said, *_cached(trace, reply, before), _spared(seen)]


def in_words(found: Cause | None, seen: Inspection, before: Trace) -> str:
    """Say what ended the prefix."""
    if found is None:
        return ""
    indexes = [turn for first, end in found.turns for turn in range(first, min(end, first + 1000))]
    words: dict[str, Callable[[], str]] = {
        "model": lambda: f"{model_name(before.model)} was asked before, and its cache is of no use to another model",
        "instructions": lambda: "the instructions were changed",
        "memory": lambda: "the memory or its settings were changed",
        "rewritten": lambda: f"{_note(found.ref, seen)} was rewritten",
        "note": lambda: f"{_note(found.ref, seen)} was not there before",
        "quotes": lambda: "other turns were retrieved",
        "left": lambda: f"{turn_list(indexes)} slid out of the prompt",
        "came": lambda: f"{turn_list(indexes)} came in before what was sent already",
        "query": lambda: "what follows is your message, another each time",
    }
    return words[found.kind]()


def _note(ref: str, seen: Inspection) -> str:
    name = note_name(ref, seen.named)
    return name[:1].lower() + name[1:] if name.startswith("Summary") else name


def _cached(trace: Trace, reply: Call, before: Trace | None) -> list[str]:
    """Say how much was read from the cache, by the provider's count or by its rule."""
    rule, model = cache_rule(trace.priced_as), model_name(trace.priced_as)
    expected = cached_tokens(trace.priced_as, trace.prefix)
    # An answer given again came soon after the one in whose place it stands.
    late = before is not None and not alive(before, trace) and not reply.cached_tokens
    said = []
    if reply.cache_measured:
        said.append(f"The provider read {tokens(reply.cached_tokens)} from its cache")
        said[0] += f"; its rule made {number(expected)} likely." if rule and not late else "."
    elif rule is None:
        said.append(f"No rule of prompt caching is known for {model}: nothing is estimated.")
    if rule and before and late:
        gap = trace.at - before.at
        said.append(f"The cache had expired: the turn before was {_long(gap)} ago, and it lives {_long(rule.lives)}.")
    elif rule and not reply.cache_measured:
        said.append(_by_rule(rule, model, trace.prefix, expected))
    return said


def _by_rule(rule: CacheRule, model: str, prefix: int, expected: int) -> str:
    read = f"rule of {RULES_READ:%d %B %Y}".replace(" 0", " ")
    if prefix < rule.minimum:
        return f"{model} caches from {tokens(rule.minimum)} on ({read}), so all of it is billed in full."
    steps = f", in steps of {rule.step:,}" if rule.step > 1 else ""
    return f"≈ {tokens(expected)} of it were cached: {model} does so from {rule.minimum:,} on{steps} ({read})."


def _spared(seen: Inspection) -> str:
    """Say what caching spared in the whole conversation."""
    cost, without = seen.totals.cost, seen.totals.cost_uncached
    if cost is None or without is None or cost == without:
        return ""
    turns = plural(seen.length, "turn")
    if cost > without:
        return f"Writing to the cache has cost {dollars(cost - without)} more than it spared in {turns}."
    share = (without - cost) / without
    return f"In {turns} caching spared {dollars(without - cost)} ({share:.0%})".replace("%", " %") + "."


def _long(time: float) -> str:
    """Write a time in words, without figures that nobody needs."""
    if time < 2 * _MINUTE:
        return seconds(time)
    if time < 120 * _MINUTE:
        return f"{time / _MINUTE:.0f} minutes"
    return f"{time / 3600:.0f} hours" if time < 48 * 3600 else f"{time / 86400:.0f} days"


# --- remedies ---------------------------------------------------------------------------------------------------------


def draw_remedies(seen: Inspection) -> None:
    """Show what a stepped window, or the memory behind the history, would have spared in the last turns."""
    found = remedies(seen.recent[-LAST - 1 :], seen.transcript)
    if not found:
        return
    first = found[0]
    best = min(found, key=lambda remedy: remedy.then)
    with st.container(gap="xsmall"):
        st.markdown("**What would have spared something**")
        if best.then < best.now:
            st.markdown(
                f"With `{best.setting}` = {escaped(best.value)} the last {plural(best.turns, 'turn')} would have cost "
                f"**{escaped(dollars(best.then))}** instead of {escaped(dollars(best.now))}."
            )
        else:
            st.markdown(f"In the last {plural(first.turns, 'turn')} no other setting would have been cheaper.")
        rows = [("as it was", dollars(first.now), "", number(first.cached_now)), *map(_row, found)]
        names = [f"last {plural(first.turns, 'turn')}", "cost", "spared", "cached"]
        table(pd.DataFrame(rows, columns=names), "What other settings would have cost", (98, 66, 66, 60))
        st.caption(
            "Estimated by the provider's rule for both, with the answers and the pauses that there were; a stepped "
            "window sends more turns, and what it says can differ."
            if first.setting == "step"
            else "Estimated by the provider's rule for both, with the answers and the pauses that there were."
        )


def _row(remedy: Remedy) -> tuple[str, str, str, str]:
    spared = dollars(remedy.now - remedy.then)
    return f"{remedy.setting} = {remedy.value}", dollars(remedy.then), spared, number(remedy.cached_then)
