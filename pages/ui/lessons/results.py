"""What a step brought beside turns: a receipt, a check of the rules, what is remembered of a person now.

    draw_results(step, live)

A comparison has charts of its own: `compared.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from memory.forgetting.receipt import Receipt
from memory.lessons.lesson import Step
from memory.lessons.live import Live
from memory.lint.report import RULES, Report
from memory.longterm.facts import Fact
from pages.ui.lint_view import LOOK
from pages.ui.receipt import found, summary
from pages.ui.security import inert
from pages.ui.words import badge, escaped, label_of, plural

MOST = 12
"""How many remembered things are listed."""


def draw_results(step: Step, live: Live) -> None:
    """Draw what the step's own actions brought."""
    if live.receipts and any(action.forget for action in step.play):
        _receipt(live.receipts[-1])
    if live.reread and any(action.reread for action in step.play):
        read = live.reread
        st.caption(
            f":material/restart_alt: Read anew from the store: {plural(read.turns, 'turn')}, "
            f"{plural(read.notes, 'note')}, {plural(read.facts, 'remembered thing')}."
        )
    for spec in dict.fromkeys(action.lint for action in step.play if action.lint):
        if reports := live.lints.get(spec):
            _lint(reports, f"lessons_lint_{spec}")
    if any(live.facts(person.id) for person in live.lesson.people):
        _remembered(live)


def _receipt(receipt: Receipt) -> None:
    """Draw what was removed, place by place."""
    what = f"The receipt: {escaped(receipt.what)}"
    with st.expander(what, type="compact", icon=":material/receipt_long:", key="lessons_receipt"):
        st.markdown(summary(receipt))
        rows = [
            {"place": escaped(row.place), "was there": f"{row.there:,}", "is left": escaped(found(row))}
            for row in receipt.rows
        ]
        st.table(rows, border="horizontal", hide_index=True, alt="What was in each place, and what is left")


def _lint(reports: Sequence[Report], key: str) -> None:
    """Draw each rule that was tried, with the evidence."""
    for place, report in enumerate(reports):
        broken = report.count("broken")
        said = f"{plural(broken, 'rule')} broken" if broken else "no rule broken"
        more = st.expander(
            f"{escaped(_whose(report))}: {said}", type="compact", icon=":material/fact_check:", key=f"{key}_{place}"
        )
        with more:
            for check in sorted(report.checks, key=lambda one: one.verdict != "broken"):
                colour, icon = LOOK[check.verdict]
                number, name = RULES[check.id]
                st.markdown(f"{icon} {badge(colour, check.verdict)} **{name}** :gray[rule {number}]")
                st.caption(escaped(check.said))


def _whose(report: Report) -> str:
    """Name what was checked: this memory, or LangChain's own and where it kept its messages."""
    where = {"Redis": " over Redis", "in memory": " in memory"}.get(report.history, "")
    return f"LangChain's own {report.memory}{where}" if report.made_by == "LangChain" else label_of(report.memory)


def _remembered(live: Live) -> None:
    """List what is remembered of each person across conversations, as it is now."""
    for person in live.lesson.people:
        facts = live.facts(person.id)
        if not facts and len(live.lesson.people) < 2:
            continue
        whose = "you" if person.name == "You" else person.name
        with st.expander(
            f"Remembered of {escaped(whose)} across conversations: {plural(len(facts), 'item')}",
            type="compact",
            icon=":material/bookmark:",
            key=f"lessons_facts_{person.id}",
        ):
            for fact in facts[:MOST]:
                _fact(fact)
            if len(facts) > MOST:
                st.caption(f"{plural(len(facts) - MOST, 'more item')}.")


def _fact(fact: Fact) -> None:
    where = " › ".join(fact.namespace)
    st.markdown(f"{badge('green', fact.kind)} {inert(fact.text)}")
    before = f"; before: {fact.history[-1].content}" if fact.history else ""
    st.caption(escaped(f"in {where}, version {len(fact.history) + 1}{before}"))
