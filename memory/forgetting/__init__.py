"""Forgets what was said, wherever it stands, and gives a receipt of each place with what a second look has found.

    >>> forget_turn(store, retrieval, user, thread, 3).left          # and forget_note, forget_thread, clear, erase
    0

What is removed: the turn's words and answers in the thread (a tombstone keeps its place), what any memory made of it,
copies of it in prompts, its vectors, what is kept to be asked for again; then the files are written anew and searched.
What merely repeats it, in other turns, threads, settings, is found by `plan_turn` and offered. Vectors that cannot be
reached are owed, and `settle` deletes them later.
"""

from memory.forgetting.forget import (
    Plan,
    forget_fact,
    forget_item,
    forget_note,
    forget_turn,
    plan_fact,
    plan_item,
    plan_note,
    plan_turn,
    price,
)
from memory.forgetting.owed import settle, unsettled
from memory.forgetting.places import Place
from memory.forgetting.receipt import Receipt, Row
from memory.forgetting.whole import clear, delete, erase, forget_document, forget_thread

__all__ = [
    "Place",
    "Plan",
    "Receipt",
    "Row",
    "clear",
    "delete",
    "erase",
    "forget_document",
    "forget_fact",
    "forget_item",
    "forget_note",
    "forget_thread",
    "forget_turn",
    "plan_fact",
    "plan_item",
    "plan_note",
    "plan_turn",
    "price",
    "settle",
    "unsettled",
]
