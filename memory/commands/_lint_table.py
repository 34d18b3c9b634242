"""The table of a lint: a line for each check, its verdict first as a word, on a terminal also as a colour.

>>> print(written("talk", report, sys.stdout))
talk, 12 turns: ConversationBufferWindowMemory(k=3, step=1): 14 hold, 0 broken, 2 not known

  holds      1  The transcript stays as it was  all 12 turns are as they were said
"""

from __future__ import annotations

import os
import shutil
from textwrap import fill
from typing import TYPE_CHECKING, TextIO

from memory.common.words import plural

if TYPE_CHECKING:
    from memory.lint import Report

_COLOURS = {"holds": "\033[32m", "broken": "\033[31m", "not known": "\033[2m"}
_EVIDENCE = 40
"""Columns that the evidence has beside a name at least; on a narrower terminal it stands below."""
_UNDER = " " * 17


def written(conversation: str, report: Report, out: TextIO) -> str:
    """Write a report; where `out` is a terminal it is folded to its width and coloured, unless NO_COLOR is set."""
    terminal = out.isatty()
    coloured = terminal and not os.environ.get("NO_COLOR")
    width = shutil.get_terminal_size((120, 40)).columns if terminal else 0
    counts = ", ".join(
        (
            f"{report.count('holds'):,} hold",
            f"{report.count('broken'):,} broken",
            f"{report.count('not known'):,} not known",
        )
    )
    tried = "" if report.tried is None else f", tried with {report.tried:,}"
    said = f"{plural(report.turns, 'turn')}{tried}"
    lines = [f"{_plain(conversation)}, {said}: {_plain(report.title)}: {counts}"]
    lines += [f"  {report.stopped}"] if report.stopped else []
    lines.append("")
    longest = max((len(check.name) for check in report.checks), default=0)
    for check in report.checks:
        begin = f"  {check.verdict:9}  {check.rule:2}  "
        row = _beside(f"{begin}{check.name:{longest}}  ", _plain(check.said), width)
        if coloured:
            row = row.replace(check.verdict, f"{_COLOURS[check.verdict]}{check.verdict}\033[0m", 1)
        lines.append(row)
    return "\n".join(lines)


def _beside(begin: str, text: str, width: int) -> str:
    if not width:
        return begin + text
    if width - len(begin) < _EVIDENCE:
        return f"{begin.rstrip()}\n{fill(text, max(_EVIDENCE, width), initial_indent=_UNDER, subsequent_indent=_UNDER)}"
    return fill(text, width, initial_indent=begin, subsequent_indent=" " * len(begin), drop_whitespace=True)


def _plain(text: str) -> str:
    """Write a text of anybody's as one line in which nothing steers the terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
