"""Claims that rest on more than a conversation: a rule that was checked, costs projected on, memories compared.

>>> lint(claim, live)
Verdict(held=True, measured='rule 2 is broken: 16,483 tokens sent of 2,000')
"""

from __future__ import annotations

from memory.compare.claims import held, read_claim
from memory.compare.scenarios import scenarios
from memory.formats.node import Node
from memory.lessons.at import At
from memory.lessons.crossing import TURNS, crossing_turn
from memory.lessons.lesson import Claim, Crossing
from memory.lessons.live import Live
from memory.lessons.verdict import NOT_YET, Verdict


def lint(claim: Claim, live: Live) -> Verdict:
    """A rule that a memory keeps or breaks; broken where any of its checks found it broken."""
    assert claim.lint
    reports = live.lints.get(claim.lint.memory)
    if reports is None:
        return NOT_YET
    checks = [check for report in reports for check in report.checks if check.rule == claim.lint.rule]
    told = [check for check in checks if check.verdict == "broken"] or [
        check for check in checks if check.verdict == "holds"
    ]
    if not told:
        why = "; ".join(check.said for check in checks) or "it was not checked"
        return Verdict(None, f"rule {claim.lint.rule} is not known: {why}")
    keeps = told[0].verdict == "holds"
    said = f"rule {claim.lint.rule} {'holds' if keeps else 'is broken'}: {told[0].said}"
    return Verdict(keeps == claim.lint.holds, said)


def crossing(wanted: Crossing, claim: Claim, at: At) -> Verdict:
    """From which turn on one memory stays dearer than another, when the conversation goes on as it is."""
    one, other = wanted.memories
    turn = crossing_turn(at, one, other, wanted.caching)
    if turn is None:
        return Verdict(None, "not known: there is no answer yet, or no price")
    first, last = wanted.turns or (0, 0)
    said = f"{one} costs more than {other} from turn {turn:,} on" if turn else f"{one} never does within {TURNS} turns"
    return Verdict(first <= turn <= last, said)


def compared(claim: Claim, live: Live) -> Verdict:
    """A line as in a scenario's claims, on the newest comparison."""
    scenario = scenarios().get(live.scenario)
    if scenario is None:
        return NOT_YET
    read = read_claim(Node(claim.compared), len(scenario.recording.questions), Node.text)
    if any(spec not in live.compared for spec in read.memories):
        return NOT_YET
    found = held(read, live.compared)
    unknown = found.measured == "not known" or any(live.compared[spec].failed for spec in read.memories)
    return Verdict(None if unknown else found.held, found.measured)
