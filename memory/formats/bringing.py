"""Brings the conversations of any file into a store.

>>> str(import_file(store, user, data))
'3 conversations, 120 turns imported'
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from memory.errors import BadInput
from memory.exchange.bringing import Receipt, bring_in
from memory.exchange.package import Content, Package
from memory.exchange.reading import MAX_THREADS
from memory.exchange.reading import read as read_package
from memory.formats.reading import format_of, recordings
from memory.formats.recording import Recording, clipped
from memory.formats.source import look
from memory.preferences import Preferences
from memory.store import UNTITLED, Store, Thread
from memory.threads import title_of
from memory.trace import Trace


def import_file(
    store: Store,
    user: str,
    data: bytes,
    settings: bool | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Receipt:
    """Bring a file of any format in; raises BadInput, with nothing written, where anything in it is wrong.

    `settings` says whether those of the file replace the user's, which only our own export has; None: only where the
    user has none yet. What comes from elsewhere is read with the memory that was chosen last, as a new thread is.
    `progress` is told from 0, when the file is read, to 1; what it raises ends the import, with nothing written.
    """
    source = look(data)
    own = format_of(source) == "inspector"
    package = read_package(data) if own else to_package(recordings(source))
    progress(0.0)
    if not own:
        chosen = Preferences.load(store, user)
        begun = [replace(one.thread, memory=chosen.memory, settings=chosen.settings) for one in package.threads]
        threads = (replace(one, thread=thread) for one, thread in zip(package.threads, begun, strict=True))
        package = replace(package, threads=tuple(threads))
    return bring_in(store, user, package, settings, progress)


def to_package(recordings: Sequence[Recording]) -> Package:
    """Make a package of recordings: a thread each, with traces that say that it was imported.

    Questions stay behind, as a thread has none; a notice says so.
    """
    if len(recordings) > MAX_THREADS:
        raise BadInput(f"The file has {len(recordings):,} conversations and at most {MAX_THREADS:,} can be imported.")
    notices: list[str] = []
    for recording in recordings:
        asked = len(recording.questions)
        left = [f"{asked:,} question{'s' * (asked != 1)} left out: a replay asks them."] if asked else []
        whose = f"{clipped(recording.title or recording.id, 60)}: " if len(recordings) > 1 else ""
        notices += [f"{whose}{notice}" for notice in (*recording.notices, *left)]
    return Package(tuple(map(_content, recordings)), notices=tuple(notices))


def _content(recording: Recording) -> Content:
    if recording.content:
        return recording.content
    now = time.time()
    first = next((turn.human or turn.ai for turn in recording.turns if turn.human or turn.ai), "")
    title = clipped(recording.title, 80) or title_of(first[:1_000]) or UNTITLED
    created = next((turn.at for turn in recording.turns if turn.at), now)
    traces = tuple(Trace("import", turn.index, turn.id, turn.at) for turn in recording.turns)
    return Content(Thread(recording.id, title, created, now), recording.turns, traces)
