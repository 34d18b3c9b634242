"""Imports what is slow before the first visitor needs it, and keeps the garbage collector from scanning it.

LangChain, our own pages, pandas and the tokenizer cost seconds at their first use; imported in a thread they cost the
first page nothing. A process that takes over for one that was killed is met by people who wait for an answer.
`gc.freeze()` then takes these hundreds of thousands of objects out of every later collection. What a search by meaning
needs, a model and Chroma, waits until the first page is drawn.
"""

from __future__ import annotations

import gc
import importlib
import logging
import pkgutil
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from memory.server.connect import close_all

# What a page imports itself. Two threads that import one web of modules at once can see half of a module, so a page
# waits for these: at start it would take as long itself, later this costs nothing.
FIRST = ("numpy", "langchain_core.messages", "memory.tokens")
OURS = {"pages.ui": "pages/ui", "memory.strategies": "memory/strategies"}
# What the first answer needs: st.write_stream looks for data frames and so loads pandas and pyarrow.
THEN = ("pandas", "pyarrow", "streamlit.dataframe_util", "langchain_openai")
# What has begun something that must end with the server, and how it is told.
STOPPED = (
    ("memory.worker", "stop_all"),
    ("memory.compare.job", "stop_all"),
    ("pages.ui.connections", "close_search"),
)

_log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
_started = threading.Event()
_first_done = threading.Event()
_page_drawn = threading.Event()


def _import(names: Iterable[str]) -> None:
    for name in names:
        _use(name, partial(importlib.import_module, name))


def _use(name: str, first: Callable[[], object]) -> None:
    try:
        first()
    except Exception:  # a page that needs it says what is wrong; the server must still start
        _log.warning("Could not warm up %s", name, exc_info=True)


def _load_catalogue() -> None:
    from memory.catalog import load

    load()


def _count() -> None:
    from memory.tokens import count_tokens

    count_tokens("The vocabulary is loaded by the first count.")


def _warm_up() -> None:
    begin = time.perf_counter()
    try:
        _import(FIRST)
        for package, folder in OURS.items():
            _import(f"{package}.{module.name}" for module in pkgutil.iter_modules([str(_ROOT / folder)]))
        _first_done.set()
        _use("the catalogue", _load_catalogue)
        _import(THEN)
        _use("the tokenizer", _count)
        gc.collect()
        gc.freeze()
    finally:
        _first_done.set()
    _log.info("Warmed up in %.1f s", time.perf_counter() - begin)
    _page_drawn.wait()
    _warm_search()


def _warm_search() -> None:
    from pages.ui import connections

    try:
        connections.warm_search()
    except Exception as error:  # the settings say it, and turns are found by their words
        _log.info("The search by meaning is not ready: %s", error)


def drawn() -> None:
    """A page is drawn: what would have delayed it may be loaded now."""
    _page_drawn.set()


def wait(timeout: float = 60.0) -> None:
    """Wait until what a page imports is there.

    Returns at once where no warm-up runs (in tests without a server).
    """
    if _started.is_set():
        _first_done.wait(timeout)


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Warm up in the background while the server already answers."""
    if not _started.is_set():
        _started.set()
        threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    try:
        yield
    finally:
        # Streamlit ends a SIGTERM by the signal itself, without exit handlers.
        for module, stop in STOPPED:
            # What is only half imported by now has begun nothing.
            getattr(sys.modules.get(module), stop, lambda: None)()
        close_all()
