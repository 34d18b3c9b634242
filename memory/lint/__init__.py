"""Checks the rules of a memory on a real conversation: ours as it is configured, or one of LangChain's own classes.

    >>> with scratch_server() as server:
    ...     report = lint_ours(load().memory("summary_buffer"), recording.turns, server)
    >>> [(check.rule, check.verdict, check.said) for check in report.checks][1]
    (2, 'holds', 'at most 1,871 of 2,000 tokens were sent, before turn 88; …')

Every check runs the memory; nothing is concluded from its name. What it stores goes to a server of its own that is
gone afterwards, so that no data of anybody's is touched.
"""

from memory.lint.classic import check_settings, lint_classic
from memory.lint.ours import lint_ours
from memory.lint.report import Check, Report
from memory.lint.server import scratch_server
from memory.lint.spec import ClassicSpec, classic_spec, twin

__all__ = [
    "Check",
    "ClassicSpec",
    "Report",
    "check_settings",
    "classic_spec",
    "lint_classic",
    "lint_ours",
    "scratch_server",
    "twin",
]
