"""The state made again: from the transcript alone, and past a model that failed on the way; rules 5 and 6.

>>> replayed(bench, live)
Check(id='replay', verdict='holds', said='made again turn by turn and at once: 3 notes are the same')
"""

from __future__ import annotations

from collections.abc import Callable

from memory.base import State
from memory.lint.bench import Bench, told
from memory.lint.live import Live, waived
from memory.lint.report import Check, broken, difference, holds


def replayed(bench: Bench, live: Live, step: Callable[[], None]) -> Check:
    """Make the state again, turn by turn and in one go; what the memory's model said is known from before."""
    memory, length, services = bench.memory, len(bench.turns), bench.services()
    state = State()
    for end in range(1, length + 1):
        if memory.stateful:
            services.now = bench.turns[end - 1].at or services.now
            state = bench.write(state, bench.transcript(end, "replay"), services)
        step()
    if not memory.stateful:
        return waived(holds("replay", "it knows nothing but the transcript"), memory.caveat)
    whole = bench.write(State(), bench.transcript(length, "whole"), services)
    for made, how in ((state, "turn by turn"), (whole, "in one go")):
        if made != live.state:
            diff = difference(told(live.state), told(made))
            return broken("replay", f"made again {how}, its state is another one", [length - 1], diff=diff)
    notes = len(state.notes)
    return waived(
        holds("replay", f"made again turn by turn and in one go: {notes:,} note{'s' * (notes != 1)}, the same"),
        memory.caveat,
    )


def failing(bench: Bench, live: Live, step: Callable[[], None]) -> Check:
    """Let its model fail from its second call on until the end, then come back."""
    length, services, watch = len(bench.turns), bench.services(), bench.watch
    if not live.calls:
        for _ in bench.turns:
            step()
        return _never_asked(bench)
    first = live.calls[1] if len(live.calls) > 1 else live.calls[0]
    state, before, failed = State(), State(), 0
    try:
        for index in range(length):
            services.now = bench.turns[index].at or services.now
            if index == first:
                before, watch.fails = state, True
            asked = len(watch.calls)
            state = bench.write(state, bench.transcript(index + 1, "failing"), services)
            failed += sum(call.failed for call in watch.calls[asked:])
            if said := _unaccounted(bench, state, index + 1):
                return broken("failure", f"with its model away, {said}", [index])
            step()
    finally:
        watch.fails = False
    recorded = sum(call.error is not None for call in services.calls)
    if recorded < failed:
        return broken("failure", f"{failed:,} calls failed and {recorded:,} are recorded as failed", [first])
    told_of = len(services.errors)
    if failed and not told_of:
        return broken("failure", f"{failed:,} calls failed and nobody was told", [first])
    again = bench.write(state, bench.transcript(length, "failing"), services)
    if again != live.state:
        return broken(
            "failure",
            f"its model failed from turn {first + 1:,} on and came back: what it knows then is not what it would have "
            "known",
            [first],
            diff=difference(told(live.state), told(again)),
        )
    kept = f"it had covered {state.covered:,} turns" if state.covered < length else "nothing was lost"
    return holds(
        "failure",
        f"its model failed {failed:,} time{'s' * (failed != 1)} from turn {first + 1:,} on ({kept}, "
        f"{before.covered:,} before); with the next write all {length:,} are in it",
    )


def _never_asked(bench: Bench) -> Check:
    if not bench.memory.stateful:
        return holds("failure", "it asks no model of its own")
    return holds("failure", f"it asked no model in these {len(bench.turns):,} turns, so that none could fail")


def _unaccounted(bench: Bench, state: State, length: int) -> str | None:
    """Say which turn is neither sent nor left out with a reason, None where there is none."""
    if bench.memory.caveat is not None:
        return None
    services = bench.services()
    recall = bench.memory.read(state, bench.transcript(length, "failing"), "", services, bench.budget)
    spans = [item.turns for item in recall.items if item.turns] + [left.turns for left in recall.left_out]
    places = {place for first, end in spans for place in range(first, end)}
    lost = [place for place in range(length) if place not in places]
    if lost:
        return f"turn {lost[0] + 1:,} was neither sent nor left out with a reason"
    return None if state.covered <= length else f"its state claims {state.covered:,} turns of {length:,}"
