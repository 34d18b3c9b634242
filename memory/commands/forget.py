"""Forget a turn, a note, a conversation or everything of a user, and print the receipt.

    $ python -m memory forget --user 3f9c… --item 8b1e…/turn:12
    $ python -m memory forget --user 3f9c… --item 8b1e…/summary:3 --also 8b1e…/turn:4
    $ python -m memory forget --user 3f9c… --thread 8b1e…
    $ python -m memory forget --user 3f9c… --all --json > receipt.json

The user's id stands on the page Settings, a conversation's in the name of its export. An item is CONVERSATION/NAME, the
name as prompts and replays have it: turn:12 (turns count from 0), summary:3 or triple-ab12…:1 (a note with all of its
versions, of the memory that the conversation uses), note:MEMORY/ID of another one, or fact:3 (a fact that the memory
saved by name). A turn leaves a tombstone in its
place; its memories take the later turns in again with the next message.

What repeats the words elsewhere is listed and left alone; --also takes it along, by the name that is listed. Removed
things are looked for again, the embedded server's files are written anew, and every file of the data folder is searched
for the words. Exit code 1 where anything was found or is still owed.

A running app may stay up: the store is shared. But one process at a time can open the folder of Chroma; where the app
holds it, the vectors (which hold no text) are noted as owed, and the app deletes them the next time its page is used.
"""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from memory.commands._table import table
from memory.errors import BadInput

if TYPE_CHECKING:
    from memory.forgetting import Place, Receipt
    from memory.retrieval.index import Retrieval
    from memory.store import Store

_USER = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TURN = re.compile(r"turn:(\d{1,9})")
_FACT = re.compile(r"fact:(\d{1,9})")
_NOTE = re.compile(r"([A-Za-z0-9._-]+?)(?::\d+)?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="U", required=True, help="whose: the id on the page Settings")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--item", metavar="ID", help="CONVERSATION/turn:12, CONVERSATION/summary:3 or document:ID")
    what.add_argument("--thread", metavar="T", help="a conversation, for good, also one deleted before")
    what.add_argument("--all", action="store_true", help="everything of the user")
    parser.add_argument(
        "--also", metavar="PLACE", action="append", default=[], help="with --item: a place that repeats it"
    )
    parser.add_argument("--json", action="store_true", help="print the receipt as JSON")


def run(options: argparse.Namespace) -> int:
    from memory.forgetting.places import outside
    from memory.retrieval.opening import open_words
    from memory.server.connect import connect
    from memory.stores.redis import RedisStore

    if not _USER.fullmatch(options.user):
        raise BadInput(f"--user {_line(options.user[:60])}: no user has such an id: it stands on the page Settings")
    if options.also and not options.item:
        raise BadInput("--also names places beside an item: give --item, or leave it out")
    with closing(connect()) as connection, closing(open_words()) as search:
        store = RedisStore(connection)
        # What cannot be reached is known now, before anything is removed.
        known = [thread.id for deleted in (False, True) for thread in store.threads(options.user, deleted)]
        uploaded = store.shelf.documents.listed(options.user)
        if not (known or uploaded or store.settings(options.user) or outside(options.user)):
            raise BadInput(f"--user {options.user[:60]}: nothing is kept of this user: the id is on the page Settings")
        receipt = _forget(store, search.retrieval, options, known)
    if options.json:
        print(receipt.json())
    else:
        print(_written(receipt))
    return 1 if receipt.left or receipt.owed else 0


def _forget(store: Store, retrieval: Retrieval, options: argparse.Namespace, known: list[str]) -> Receipt:
    from memory import forgetting

    if options.all:
        return forgetting.erase(store, retrieval, options.user)
    if options.item and options.item.startswith("document:"):
        return forgetting.forget_document(store, retrieval, options.user, options.item.partition(":")[2])
    thread, _, name = (options.item or options.thread).partition("/")
    if thread not in known:
        some = f"it has {', '.join(known[:5])}{' and others' if len(known) > 5 else ''}" if known else "it has none"
        raise BadInput(f"{thread[:60]!r} is no conversation of this user: {some}")
    if options.thread:
        return forgetting.forget_thread(store, retrieval, options.user, thread)
    if turn := _TURN.fullmatch(name):
        index = int(turn[1])
        plan = forgetting.plan_turn(store, options.user, thread, index)
        also = _also(plan.places, options.also)
        for edit in plan.edits:
            print(f"Goes with it: {_line(edit.why)}: {_line(edit.excerpt)}", file=sys.stderr)
        return forgetting.forget_turn(store, retrieval, options.user, thread, index, also)
    if fact := _FACT.fullmatch(name):
        memory = store.heads(options.user, thread).thread.memory
        plan = forgetting.plan_fact(store, options.user, memory, fact[1])
        also = _also(plan.places, options.also)
        return forgetting.forget_fact(store, retrieval, options.user, memory, fact[1], also)
    key, id = _note(store, options.user, thread, name)
    plan = forgetting.plan_note(store, options.user, thread, key, id)
    return forgetting.forget_note(store, retrieval, options.user, thread, key, id, _also(plan.places, options.also))


def _note(store: Store, user: str, thread: str, name: str) -> tuple[str, str]:
    """Return the memory key and the id of a note by its name."""
    if name.startswith("message:"):
        raise BadInput(f"{name[:60]}: a message is forgotten with its turn: name that, as turn:12")
    if name.startswith("note:"):
        key, _, id = name.removeprefix("note:").rpartition("/")
        return key, id
    heads, match = store.heads(user, thread), _NOTE.fullmatch(name)
    id = match[1] if match else ""
    holding = [key for key, state in heads.states.items() if id in state.notes and state.notes[id].text]
    used = [key for key in holding if re.split(r"[,(]", key)[0] == heads.thread.memory]
    if len(used or holding) == 1:
        return (used or holding)[0], id
    if holding:
        names = ", ".join(f"note:{key}/{id}" for key in holding[:4])
        raise BadInput(f"{name[:60]}: several memories have such a note: name one as {names}")
    raise BadInput(f"{name[:60]!r}: the conversation has no such note: name a turn (turn:12) or a note (summary:3)")


def _also(places: tuple[Place, ...], wanted: list[str]) -> list[str]:
    """Check the places to take along, and list those that are left alone."""
    known = {place.id: place for place in places}
    for name in wanted:
        if name not in known:
            some = f"there are {', '.join(list(known)[:4])}" if known else "nothing repeats it elsewhere"
            raise BadInput(f"--also {name[:80]}: no place repeats it under this name: {some}")
    left = [place for place in places if place.id not in wanted]
    if left:
        print("It is repeated elsewhere, and left alone there (--also takes it along):", file=sys.stderr)
        for place in left[:50]:
            print(f"  {place.id}  {_line(place.what)}: {_line(place.excerpt)}", file=sys.stderr)
    return wanted


def _line(text: str) -> str:
    """Write a text that a user typed on one line, without anything that a terminal obeys."""
    return "".join(char if char.isprintable() else " " for char in text)


def _written(receipt: Receipt) -> str:
    rows = []
    for row in receipt.rows:
        left = "kept" if row.kept else "later" if row.owed else "unseen" if row.left is None else str(row.left)
        rows.append((_line(row.place), str(row.there), left, _line(row.said)))
    return f"{_line(str(receipt))}\n\n" + table(("place", "was there", "left", ""), rows, "<>><")
