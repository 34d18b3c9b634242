"""Counts in words.

>>> plural(1, "turn"), plural(2000, "turn")
('1 turn', '2,000 turns')
"""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Write a count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
