"""Conversations as a file, and back: nothing that the side panel shows is lost between.

    >>> data = export_user(store, user)
    >>> str(bring_in(store, another_user, read(data)))
    '3 conversations, 120 turns imported'

A file is JSON:

    {"format": "memory-inspector", "version": 1,
     "preferences": {...},                                      # of the user; not in the file of one thread
     "remembered": [...],                                       # facts across threads, and which turns are in them
     "threads": [{"thread": {...},                              # title, memory, its settings
                  "turns": [...], "traces": [...],              # as many of these as of those, in one order
                  "events": [...],                              # traces between the turns
                  "notes": {...}, "texts": {...}}]}             # what memories wrote; texts by their hash

Without traces, each turn is given one of kind "import". `read` turns a file into a `Package` that is sound in every
part, `bring_in` stores a package: `memory.formats` makes one of other formats.

A file is somebody else's data. It is read whole before anything is written; it names no user and no key, its threads
come in under new ids; whatever a page would stumble over (a span beyond the last turn, a count below nothing, a role
that does not exist) is refused with its place.
"""

from memory.exchange.bounded_json import MAX_MEGABYTES, MAX_TEXT
from memory.exchange.bringing import Receipt, bring_in
from memory.exchange.package import FORMAT, VERSION, Content, Package
from memory.exchange.reading import MAX_THREADS, read
from memory.exchange.writing import export_thread, export_user

__all__ = [
    "FORMAT",
    "MAX_MEGABYTES",
    "MAX_TEXT",
    "MAX_THREADS",
    "VERSION",
    "Content",
    "Package",
    "Receipt",
    "bring_in",
    "export_thread",
    "export_user",
    "read",
]
