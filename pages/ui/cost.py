"""Cost: what the turn and the whole conversation took in tokens, money and time; unknown is never 0.

Prompt caching is in cost_cache.py, the memory's own calls in cost_calls.py, what is to come in projection.py. No table
is wider than a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import streamlit as st

from memory.inspection.inspect import Inspection
from memory.money.prices import Usage, dollars, price
from memory.trace import Call, Trace
from pages.ui import cost_cache, cost_calls, cost_chart, projection
from pages.ui.cost_table import table
from pages.ui.words import escaped, measured, number, plural, priced_as, seconds


def draw(seen: Inspection) -> None:
    """Draw the view: what the turn and those before it took, then what the whole conversation did."""
    trace, reply = seen.trace, seen.trace.reply
    st.markdown(_sentence(seen))
    if reply:
        with st.container(gap="xsmall"):
            _this_turn(trace, reply)
            st.caption(escaped(" ".join(_explained(seen, reply))))
        cost_cache.draw(seen, reply)
    cost_calls.draw(seen)
    cost_chart.draw(seen)
    cost_cache.draw_remedies(seen)
    with st.container(gap="xsmall"):
        st.markdown(f"**All {plural(seen.length, 'turn')}**" if seen.length > 1 else "**This conversation**")
        _whole(seen)
    cost_calls.draw_between(seen)
    projection.draw(seen)


def _sentence(seen: Inspection) -> str:
    """Say what the turn and the conversation cost, and at whose prices."""
    trace = seen.trace
    # The conversation's counters do not say which of their tokens are estimates; the turn at hand stands for them.
    about = "" if seen.totals.cost is None or all(measured(call, trace) for call in trace.calls) else "≈ "
    whole = f"**{escaped(about + dollars(seen.totals.cost))}** in {plural(seen.length, 'turn')}"
    if not trace.calls:
        return f"No model was called for this turn; {whole}."
    at = priced_as(trace.calls[0])
    cost = cost_calls.total(trace.calls, trace)
    unknown = "Cost: " if cost == "unknown" else ""
    return f"{unknown}**{escaped(cost)}** this turn, {whole}{f' ({escaped(at)})' if at else ''}."


# --- tables -----------------------------------------------------------------------------------------------------------


def _this_turn(trace: Trace, reply: Call) -> None:
    """Show the reply's tokens by kind and what each cost, with caching and without; the memory's own calls apart."""
    spent = Usage(reply.input_tokens, reply.output_tokens, reply.cached_tokens, reply.cache_write_tokens)
    # The trace holds the sum; its parts follow from the rates of the same day.
    day = datetime.fromtimestamp(trace.at, UTC)
    parts = price(reply.priced_as, spent, day) if reply.cost is not None else None
    plain = reply.input_tokens - reply.cached_tokens - reply.cache_write_tokens
    sizes = (plain, reply.cached_tokens, reply.cache_write_tokens)
    # What a long prompt costs a token depends on the whole of it.
    rate = parts and price(reply.priced_as, Usage(reply.input_tokens), day)
    each = rate.input / reply.input_tokens if rate and reply.input_tokens else Decimal(0)
    sure, own = measured(reply, trace), trace.own_calls
    about = "" if sure else "≈ "

    def cost(amount: Decimal | None) -> str:
        return dollars(amount) if amount is None else about + dollars(amount)

    def cached(count: int) -> str:
        estimate = "" if reply.cache_measured or not count else "≈ "
        return f"{estimate}{number(count)}" if reply.measured or count else "not reported"

    asked = number(sum(call.input_tokens + call.output_tokens for call in own))
    own_cost = cost_calls.total(own, trace)
    rows = [
        ("input", number(plain, sure), cost(parts and parts.input)),
        ("cached input", cached(reply.cached_tokens), cost(parts and parts.cached)),
        ("cache write", cached(reply.cache_write_tokens), cost(parts and parts.cache_write)),
        ("output", number(reply.output_tokens, sure), cost(parts and parts.output)),
        ("own calls", asked, own_cost),
    ]
    without = [*(cost(parts and size * each) for size in sizes), cost(parts and parts.output), _uncached(own, trace)]
    rows = [(*row, amount) for row, amount in zip(rows, without, strict=True)]
    rows.append(("in all", "", cost_calls.total(trace.calls, trace), _uncached(trace.calls, trace)))
    names = [priced_as(reply) or "this turn", "tokens", "cost", "no cache"]
    what = f"Tokens and cost of turn {trace.turn + 1:,} by kind, with prompt caching and without"
    table(pd.DataFrame(rows, columns=names), what, (92, 56, 70, 70))


def _uncached(calls: Sequence[Call], trace: Trace) -> str:
    """Add up what calls would have cost with nothing cached."""
    return cost_calls.total(calls, trace, uncached=True)


def _explained(seen: Inspection, reply: Call) -> list[str]:
    """Explain the figures: whose they are, why ours differs, how long it took."""
    trace, said = seen.trace, []
    more = reply.input_tokens - reply.estimate
    if not reply.measured:
        said.append("The provider reported no usage for this turn: the tokens are our own count.")
    elif more > 0:
        said.append(
            f"The provider counts {plural(more, 'token')} more than our {number(reply.estimate, trace.exact)} of the "
            "texts: its format around each message."
        )
    elif more < 0:
        ours = number(reply.estimate, trace.exact)
        said.append(f"The provider counts {plural(-more, 'token')} less than our {ours} of the texts.")
    else:
        said.append(f"Our own count of the texts, made before, was {number(reply.estimate, trace.exact)} as well.")
    if not trace.exact and not measured(reply, trace):
        said.append("≈: counted with another model's tokenizer.")
    if reply.cost is None and reply.error is None:
        said.append("The price of this model is unknown.")
    if reply.seconds:
        first = f", its first word after {seconds(reply.first_token)}" if reply.first_token is not None else ""
        said.append(f"The answer took {seconds(reply.seconds)}{first}.")
    if reply.error:
        said.append(reply.error)
    return said


def _whole(seen: Inspection) -> None:
    """Show the conversation's counters, replies and own calls apart."""
    reply, own, totals = seen.totals.reply, seen.totals.own, seen.totals
    rows = [
        ("cost", dollars(reply.cost), dollars(own.cost), dollars(totals.cost)),
        ("no cache", *map(dollars, (reply.cost_uncached, own.cost_uncached, totals.cost_uncached))),
    ]
    counts = {"calls": "calls", "input": "input_tokens", "cached": "cached_tokens", "output": "output_tokens"}
    for label, name in counts.items():
        of = [getattr(part, name) for part in (reply, own)]
        rows.append((label, *map(number, (*of, sum(of)))))
    names = ["", "replies", "own calls", "in all"]
    table(pd.DataFrame(rows, columns=names), "Calls, tokens and cost of the whole conversation", (80, 70, 70, 70))
    if reused := own.reused:
        st.caption(
            escaped(
                f"Reused answers: {reused:,}, saved ≈ {dollars(own.saved)}. "
                "The memory's model is not asked again for what it has answered before."
            )
        )
