"""Left out, and why: the earlier turns that did not reach the prompt, near misses first, then the newest.

Ten thousand turns are a handful of spans: they are filtered and paged as spans, and read a page at a time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from memory.base import LeftOut, Turn
from memory.inspection.changes import sent
from memory.inspection.inspect import Inspection, bring_back
from memory.inspection.missed import Missed, Run, missed_by, rows_of, runs_of
from memory.inspection.survival import turn_survival
from pages.ui.memory_now import turn_card
from pages.ui.survival_view import counted, draw_survival, notes_of
from pages.ui.tables import inert_cells
from pages.ui.words import STATES, badge, escaped, fetch, literal, note_name, place, plural, score, tokens, turn_list

PAGE = 50
"""How many turns a page of the table has."""
COVERED = "covered, no word survives"
RULES = 3
"""Up to so many reasons stand above the table."""
BEGAN = 60
"""Characters of a turn's beginning that its row shows."""
_RANKED = re.compile(r"^rank \d+ of top (\d+)$")
FAR = 500
"""Over how many newer turns the tokens are still summed up to say by how much a turn missed a budget."""
NEAR, GIST, BUDGET, RULE = "near misses", "in a note", "over the budget", "by the rule"


def draw(seen: Inspection) -> None:
    """Draw the view."""
    trace = seen.trace
    if trace.kind == "import":
        st.markdown("Nothing was left out: an imported turn has no prompt.")
        return
    earlier, reached = trace.read_length, sent(trace)
    missing = earlier - sum(end - first for first, end in reached)
    runs = runs_of(trace)
    single = sum(run.left.message is not None and any(a <= run.turns[0] < b for a, b in reached) for run in runs)
    if earlier == 0:
        st.markdown("Nothing was left out: no turn came before this one.")
        return
    if not missing and not single:
        st.markdown(f"**Nothing was left out**: all {plural(earlier, 'earlier turn')} reached the prompt.")
        return
    total = sum(map(len, runs))
    every = [turn.count(trace.encoding) for turn in _turns(seen, runs)] if total <= PAGE and not single else []
    weight = f", {tokens(sum(every), trace.exact)} in all" if every else ""
    gist = sum(len(run) for run in runs if run.left.kind == "summary")
    summed = f"; {gist:,} {'is' if gist == 1 else 'are'} covered by what was sent instead" if gist else ""
    parts = f", and {plural(single, 'message')} of turns that did in part" if single else ""
    st.markdown(
        f"**{missing:,} of {plural(earlier, 'earlier turn')} did not reach the prompt**{parts}{weight}{summed}."
    )
    rows, said = _chosen(seen, runs)
    if said:
        st.markdown(said)
    if rows:
        _table(seen, rows, alone=said != "")


# --- which rows -------------------------------------------------------------------------------------------------------


def group(left: LeftOut) -> str:
    """Name what kept turns out, in one of four words."""
    if left.kind == "summary":
        return GIST
    if left.rank is not None and (left.score is None or left.score > 0):
        return NEAR
    return BUDGET if left.kind == "budget" else RULE


def _chosen(seen: Inspection, runs: list[Run]) -> tuple[list[tuple[int, Run]], str]:
    """Let the turns be filtered and paged; returns the rows of the page, and a word where one turn was asked for."""
    trace, total = seen.trace, sum(map(len, runs))
    counts: dict[str, int] = {}
    for run in runs:
        counts[group(run.left)] = counts.get(group(run.left), 0) + len(run)
    if len(counts) > 1:
        of = st.pills(
            "Which of them",
            [name for name in (NEAR, GIST, BUDGET, RULE) if name in counts],
            format_func=lambda name: f"{name} {counts[name]:,}",
            key=f"panel_left_group_{trace.turn_id}",
            label_visibility="collapsed",
        )
        runs = [run for run in runs if of is None or group(run.left) == of]
        total = sum(map(len, runs))
    if total <= PAGE:
        return rows_of(runs, 0, PAGE), ""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        pages = -(-total // PAGE)
        at = st.pagination(pages, max_visible_pages=5, key=f"panel_left_page_{trace.turn_id}_{pages}")
        turn = st.number_input(
            "One turn",
            1,
            trace.read_length,
            None,
            placeholder="turn …",
            key=f"panel_left_turn_{trace.turn_id}",
            label_visibility="collapsed",
            width=130,
        )
    if turn is None:
        return rows_of(runs, (at - 1) * PAGE, PAGE), ""
    found = [(turn - 1, run) for run in runs if run.turns[0] <= turn - 1 < run.turns[1]]
    return found, f"Turn {turn:,} alone:" if found else f"Turn {turn:,} is not among them."


def _turns(seen: Inspection, runs: Sequence[Run]) -> list[Turn]:
    return fetch(seen.transcript, {index for run in runs for index in range(*run.turns)})


# --- the table --------------------------------------------------------------------------------------------------------


def _table(seen: Inspection, rows: list[tuple[int, Run]], alone: bool) -> None:
    """Draw the rows, and below them the turn of the one that is selected."""
    trace = seen.trace
    known = {turn.index: turn for turn in fetch(seen.transcript, {index for index, _ in rows})}
    sizes = [_size(known[index], run.left, trace.encoding) for index, run in rows]
    missed = [_missed(seen, index, run, known) for index, run in rows]
    ranked = any(run.left.rank is not None for _, run in rows)
    table = pd.DataFrame(
        {
            "turn": [place(index, run.left.message).removeprefix("turn ") for index, run in rows],
            "rank": [run.left.rank for _, run in rows],
            "score": ["" if run.left.score is None else score(run.left.score) for _, run in rows],
            "missed by": [_by(one) for one in missed],
            "why": [run.left.why if ranked else _why(run.left) for _, run in rows],
            "tokens": sizes,
            "began": [_began(known[index], run.left) for index, run in rows],
        }
    ).astype({"tokens": "Int64", "rank": "Int64"})
    if not ranked:
        table = table.drop(columns=["rank", "score"])
    if not any(map(_by, missed)):
        table = table.drop(columns=["missed by"])
    elif all(isinstance(one, str) for one in missed):
        table = table.rename(columns={"missed by": "words kept"})
    wide = any(run.left.message is not None for _, run in rows)
    # A reason is a line of its own where few say it of many turns: no column of a phone has room for one.
    rules: dict[str, list[int]] = {}
    for (index, _), rule in zip(rows, table["why"], strict=True):
        rules.setdefault(_RANKED.sub(r"not among the best \1", rule), []).append(index)
    told = not wide and len(rules) <= RULES
    for rule, of in rules.items() if told else ():
        told_of = turn_list(sorted(of))
        st.caption(f"{told_of[:1].upper()}{told_of[1:]}: {escaped(rule)}.")
    beside = ("turn", "rank") if told else ("turn", "why")
    more = ("missed by", "words kept", "tokens", "began", "score", *(() if told else ("rank",)))
    order = (*beside, *more)
    picked = st.dataframe(
        inert_cells(table),
        key=f"panel_left_{trace.turn_id}_{rows[0][0]}_{len(rows)}",
        hide_index=True,
        column_order=[name for name in order if name in table],
        row_height=27,
        height=35 + 27 * min(len(rows), 11),
        on_select="rerun",
        selection_mode="single-row",
        placeholder="",
        alt=f"Turns that did not reach the prompt of turn {trace.turn + 1:,}, with the rule that kept each out",
        column_config={
            "turn": st.column_config.TextColumn(alignment="right", width=110 if wide else 44),
            "rank": st.column_config.NumberColumn(width=44, format="localized"),
            "score": st.column_config.TextColumn(alignment="right", width=64),
            "why": st.column_config.TextColumn(width=120 if ranked else 190),
            "missed by": st.column_config.TextColumn(alignment="right", width=70),
            "words kept": st.column_config.TextColumn(alignment="right", width=78),
            "tokens": st.column_config.NumberColumn(
                "tokens" if trace.exact else "≈ tokens", width=56, format="localized"
            ),
            "began": st.column_config.TextColumn(width=96),
        },
    )
    if not alone and (not picked.selection.rows or picked.selection.rows[0] >= len(rows)):
        st.caption("Select a row to see the turn and what would have brought it into the prompt.")
        return
    at = picked.selection.rows[0] if picked.selection.rows else 0
    _details(seen, rows[at], known, missed[at])


def _size(turn: Turn, left: LeftOut, encoding: str) -> int:
    if left.message is None:
        return turn.count(encoding)
    # One that was forgotten since has none.
    return sum(message.count(encoding) for message in turn.messages[left.message : left.message + 1])


def _missed(seen: Inspection, index: int, run: Run, known: dict[int, Turn]) -> Missed | str:
    """Say by how much a turn missed the prompt; of one whose gist was sent how many of its words are in it."""
    trace, left = seen.trace, run.left
    if left.kind == "summary":
        notes = notes_of(seen, index)
        return counted(turn_survival(known[index], notes)) if notes else ""
    newer = 0
    if left.kind == "budget" and left.rank is None:
        # Those after it in the same span would have come in before it.
        if run.turns[1] - index > FAR or run.turns[1] != left.turns[1]:
            return Missed()
        newer = _tokens_from(seen, index + 1, run.turns[1], known)
    return missed_by(trace, left, index, _size(known[index], left, trace.encoding), newer)


def _tokens_from(seen: Inspection, first: int, end: int, known: dict[int, Turn]) -> int:
    """Sum the tokens of consecutive turns, those of the page read once for all of its rows."""
    more = [index for index in range(first, end) if index not in known]
    known |= {turn.index: turn for turn in fetch(seen.transcript, more)}
    return sum(known[index].count(seen.trace.encoding) for index in range(first, end))


def _by(missed: Missed | str) -> str:
    """Write by how much a turn missed, for a cell."""
    if isinstance(missed, str):
        return missed
    if missed.tokens is not None:
        return plural(missed.tokens, "token")
    if missed.score is not None:
        return score(missed.score) if missed.score else "a tie"
    return "" if missed.turns is None else plural(missed.turns, "turn")


def _missed_by(missed: Missed) -> str:
    """Say by how much a turn missed, in a sentence."""
    if missed.score == 0:
        return " Its score is that of the last one sent, which came first."
    said = [f"a score of {score(missed.score)}"] if missed.score is not None else []
    said += [plural(missed.tokens, "token")] if missed.tokens is not None else []
    said += [plural(missed.turns, "turn")] if missed.turns is not None else []
    return f" It missed the prompt by {' and '.join(said)}." if said else ""


def _began(turn: Turn, left: LeftOut) -> str:
    """Return how a turn, or the message of a row, begins."""
    if turn.status == "forgotten":
        return "forgotten"
    said = turn.human or turn.ai if left.message is None else turn.messages[left.message].content
    return " ".join(said.split())[:BEGAN]


def _why(left: LeftOut, long: bool = False) -> str:
    """Say which rule kept turns out, with the rank and score that they had."""
    why = left.why
    if left.rank is not None and "rank" not in why:
        why += f", rank {left.rank}"
    if left.score is not None and score(left.score) not in why:
        why += f" ({score(left.score)})"
    return f"{why[:1].upper()}{why[1:]}" if long else why


# --- one of them ------------------------------------------------------------------------------------------------------


def _details(seen: Inspection, row: tuple[int, Run], known: dict[int, Turn], missed: Missed | str) -> None:
    """Show a turn that was left out: its words, how near it came, what survives of it, what would bring it back."""
    index, left = row[0], row[1].left
    turn = known[index]
    if turn.status == "forgotten":
        turn_card(turn, badge("red", "forgotten"), "Its words are gone from here; the place is kept.")
        return
    notes = notes_of(seen, index) if left.kind == "summary" else []
    lost = bool(notes) and not turn_survival(turn, notes).kept
    state = (
        badge("violet", COVERED if lost else STATES["summary"])
        if left.kind == "summary"
        else badge("gray", STATES["not sent"])
    )
    size = tokens(_size(turn, left, seen.trace.encoding), seen.trace.exact)
    shown = turn
    if left.message is not None:
        shown = replace(turn, messages=turn.messages[left.message : left.message + 1])
    by = "" if isinstance(missed, str) else _missed_by(missed)
    turn_card(shown, state, f"{_why(left, long=True)}. {size}.{by}")
    draw_survival(seen, turn)
    _remedies(seen, index, left, note_name(notes[0].ref, seen.state.notes) if lost else "")


def _remedies(seen: Inspection, index: int, left: LeftOut, covered: str) -> None:
    """Say what would have sent the turn, as the memory itself answers when it is asked again."""
    lines = [
        f"- `{remedy.setting}` = {remedy.value:,} in this memory: "
        f"{'+' if remedy.tokens >= 0 else ''}{plural(remedy.tokens, 'token')} at this turn"
        for remedy in bring_back(seen, index)
    ]
    if covered:
        lines.append(f"- It is covered by {literal(covered)}; none of its words survive.")
    elif left.kind == "summary":
        lines.append("- Its gist was sent, in a summary or a note; its words were not.")
    st.markdown(f"**What would have brought turn {index + 1:,} back**")
    if lines:
        st.markdown("\n".join(lines))
    else:
        st.markdown("No setting of this memory alone; another memory may, or saying it again.")
    for sentence in seen.services.told:
        st.caption(sentence)
