"""One way to Chroma: embedded in the data folder, or a server at CHROMA_URL.

    >>> chroma = Chroma.embedded(data_folder())
    >>> chroma.call(lambda client: client.heartbeat() > 0)
    True

Chroma opens in a thread of its own (0.6 s, and 4 s on a busy machine), once for all who wait. What goes wrong is a
StoreUnavailable within two seconds where a server is away; the next call tries again, so nothing has to be restarted.
In the folder `chroma` of the data folder `process.lock` is locked by the one process that may use it: two would not see
each other's rows and damage the index.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from memory.errors import BadInput, InspectorError, StoreUnavailable
from memory.retrieval.chroma_files import compact
from memory.server.data_folder import disk_full, make_private, unusable

if sys.platform != "win32":
    import fcntl

T = TypeVar("T")

CONNECT_SECONDS, READ_SECONDS = 0.5, 1.5
ROWS_SECONDS = 8.0
"""How long a server that has just answered may take for rows; a busy one needs seconds for many."""
FULL_BYTES = 1_000_000
"""With less room than that on the disk a failure is taken to come of it."""
REST_SECONDS = 3.0
"""How long a server that did not answer is not asked again: a turn asks it twice, and words answer meanwhile."""
OPEN_SECONDS = 15.0
"""How long a call waits for Chroma to be imported and opened; an opening that hangs is given up after it."""

# A server that was started again closed the connection or knows the collection by another number; two processes made
# the same collection at once.
_STALE = ("RemoteProtocolError", "ReadError", "WriteError", "NotFoundError", "UniqueConstraintError")


class Chroma:
    """One place where Chroma keeps collections, shared by all who use it in this process."""

    _open: dict[Path, Chroma] = {}  # noqa: RUF012
    _registry = threading.Lock()

    def __init__(self, place: str, connect: Callable[[], Any], folder: Path | None = None) -> None:
        self.place = place
        self._connect = connect
        self._folder = folder
        self._lock = threading.Lock()
        self._opening: Future[Any] | None = None
        self._began = 0.0
        self._users = 0
        self._held: int | None = None
        self._silent: StoreUnavailable | None = None
        self._silent_until = 0.0

    @classmethod
    def embedded(cls, home: Path) -> Chroma:
        """Return the place in a data folder; one object for each folder."""
        folder = home.expanduser().resolve() / "chroma"
        with cls._registry:
            if folder not in cls._open:
                cls._open[folder] = cls(f"in {folder}", lambda: _persistent(folder), folder)
            return cls._open[folder]

    @classmethod
    def server(cls, url: str) -> Chroma:
        """Return a server by its URL; raises BadInput for one that cannot be read, without repeating it."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("")
        if parts.scheme not in ("http", "https") or not host:
            raise BadInput("CHROMA_URL must be the address of a Chroma server, such as http://localhost:8000.")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise BadInput("CHROMA_URL must end after the port, as in http://localhost:8000.")
        secure = parts.scheme == "https"
        port = port or (443 if secure else 8000)
        headers = {}
        if parts.username is not None:
            # Chroma itself asks for no password; a proxy before it does.
            word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(word.encode()).decode()
        shown = f"at {f'[{host}]' if ':' in host else host}:{port}"
        return cls(shown, lambda: _http(host, port, secure, headers))

    def enter(self) -> None:
        """Become a user; nothing is opened yet."""
        with self._lock:
            self._users += 1

    def warm(self) -> None:
        """Begin to open, without waiting and without an error."""
        with self._lock:
            self._begin()

    @property
    def opened(self) -> bool:
        """Whether the last opening has ended, well or not."""
        with self._lock:
            return self._opening is not None and self._opening.done()

    def leave(self) -> None:
        """Stop using it; the last user closes it and frees the folder for other processes."""
        with self._lock:
            self._users -= 1
            if self._users <= 0:
                self._users = 0
                self._drop()

    def call(self, fn: Callable[[Any], T]) -> T:
        """Return `fn(client)`; raise StoreUnavailable with one sentence where Chroma cannot serve it now.

        `fn` may run twice: a connection that went stale is only seen when it is used. A server that did not answer is
        not asked for some seconds.
        """
        if (silent := self._silent) and time.monotonic() < self._silent_until:
            raise StoreUnavailable(str(silent)) from silent
        try:
            done = self._tried(fn)
        except StoreUnavailable as error:
            if _is_late(error.__cause__):
                self._silent, self._silent_until = error, time.monotonic() + REST_SECONDS
            raise
        self._silent = None
        return done

    def _tried(self, fn: Callable[[Any], T]) -> T:
        client = self._client()
        try:
            try:
                return fn(client)
            except Exception as error:
                if type(error).__name__ not in _STALE:
                    raise
                return fn(client)
        except InspectorError:
            raise
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            if self._folder:
                # What the embedded client holds open may be gone, with its folder or its disk.
                with self._lock:
                    opening = self._opening
                    if opening and opening.done() and not opening.exception() and opening.result() is client:
                        self._drop()
            raise self._sentence(error) from error

    def compact(self) -> bool:
        """Write an embedded Chroma's files anew, without what was deleted; False for a server, whose own they are."""
        if self._folder is None:
            return False
        folder = self._folder

        def write(client: Any) -> bool:
            compact(folder)
            return True

        return self.call(write)

    def _client(self) -> Any:
        with self._lock:
            opening = self._begin()
        try:
            return opening.result(timeout=OPEN_SECONDS)
        except NotYet:
            raise StoreUnavailable(f"Chroma {self.place} is still being opened: try again in some seconds.") from None
        except InspectorError:
            raise
        except Exception as error:
            raise self._sentence(error) from error

    def _begin(self) -> Future[Any]:
        """Begin to open unless it is open or being opened; the lock is held."""
        opening = self._opening
        hangs = opening and not opening.done() and time.monotonic() - self._began > OPEN_SECONDS
        if opening is None or hangs or (opening.done() and opening.exception()):
            opening = self._opening = Future()
            self._began = time.monotonic()
            threading.Thread(target=self._open_one, args=(opening,), name="chroma", daemon=True).start()
        return opening

    def _open_one(self, opening: Future[Any]) -> None:
        try:
            if self._folder:
                self._take_folder()
            opening.set_result(self._connect())
        except BaseException as error:  # a panic of Rust is no Exception
            opening.set_exception(error if isinstance(error, Exception) else RuntimeError(str(error)))

    def _take_folder(self) -> None:
        """Lock the folder for this process; the lock goes when the process ends, however it ends."""
        assert self._folder
        if sys.platform == "win32":
            raise StoreUnavailable("Chroma is not embedded on Windows: start chroma run and set CHROMA_URL to it.")
        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_private(self._folder)
            with self._lock:
                if self._held is not None and not _same(self._held, self._folder / "process.lock"):
                    os.close(self._held)
                    self._held = None
                if self._held is None:
                    self._held = _locked(self._folder)
        except OSError as error:
            raise unusable(self._folder, error) from error

    def _drop(self) -> None:
        """Close what is open, so that the next call opens it anew; the lock is held."""
        opening, self._opening = self._opening, None
        if opening and opening.done() and not opening.exception():
            try:
                client = opening.result()
                for session in _sessions(client):
                    session.close()
                client.close()
            except Exception:  # it is already known to be broken, or ends anyway
                pass
        if self._held is not None and self._users == 0:
            os.close(self._held)
            self._held = None

    def _sentence(self, error: BaseException) -> StoreUnavailable:
        """Put what went wrong into one sentence with its remedy."""
        names = {cls.__name__ for cls in type(error).__mro__}
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        if self._folder:
            full = re.search(r"disk is full|No space left|disk I/O error|code: (?:13|778)\b", str(error))
            # Often it only says that an error came of its own work.
            if full or _room(self._folder.parent) < FULL_BYTES:
                return StoreUnavailable(disk_full(self._folder))
            if re.search(r"readonly|unable to open|Permission denied|denied", str(error)):
                return StoreUnavailable(
                    f"The folder {self._folder} cannot be used: make it writable, or set MEMORY_INSPECTOR_HOME to a"
                    " folder that is."
                )
            return StoreUnavailable(
                f"The vectors in {self._folder} cannot be read ({said[:160]}): try again; if that does not help, remove"
                " that folder while the app is not running, for they are made again from the conversations."
            )
        if "TimeoutException" in names and "ConnectTimeout" not in names:
            return StoreUnavailable(
                f"Chroma {self.place} runs but does not answer: it is frozen or overloaded; try again in a moment."
            )
        if names & {"TransportError", "ConnectionError", "OSError"} or "Could not connect" in said:
            return StoreUnavailable(f"Chroma {self.place} is away: start it or correct CHROMA_URL, then try again.")
        if "HTTPStatusError" in names and "404" in said:
            return StoreUnavailable(f"What answers {self.place} is no Chroma server: correct CHROMA_URL.")
        if re.search(r"\b40[13]\b|Unauthorized|Forbidden|ChromaAuthError|AuthorizationError", said):
            return StoreUnavailable(f"Chroma {self.place} refuses the password: correct the one in CHROMA_URL.")
        return StoreUnavailable(f"Chroma {self.place} cannot do it now ({said[:160]}): look into its log, try again.")


def _room(folder: Path) -> float:
    """Return the bytes that a disk has free; where the folder is gone it is no disk that is full."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return float("inf")


def _is_late(error: BaseException | None) -> bool:
    """Whether a server let a request wait in vain."""
    return any(cls.__name__ == "TimeoutException" for cls in type(error).__mro__)


def _locked(folder: Path) -> int:
    """Lock a folder and leave this process's number in it; the file is not inherited by other programs."""
    lock = os.open(folder / "process.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(lock, 20, 0).decode(errors="replace").strip()
        os.close(lock)
        raise StoreUnavailable(
            f"The vectors in {folder} are in use by another process{f' ({pid})' if pid.isdecimal() else ''}, and one"
            " at a time can use them: end it, or start a server (chroma run) and set CHROMA_URL to it for both."
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _same(lock: int, path: Path) -> bool:
    """Tell whether a lock that is held is still the file at its place; the folder may have been removed."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except OSError:
        return False


def _persistent(folder: Path) -> Any:
    import chromadb

    try:
        return chromadb.PersistentClient(str(folder), settings=_settings())
    except BaseException:
        # Chroma keeps what failed to start, and would fail by it for as long as the process lives.
        from chromadb.api.shared_system_client import SharedSystemClient

        SharedSystemClient._identifier_to_system.pop(str(folder), None)
        SharedSystemClient._identifier_to_refcount.pop(str(folder), None)
        raise


def _http(host: str, port: int, secure: bool, headers: dict[str, str]) -> Any:
    import chromadb
    import httpx

    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    # The client asks the server while it is made, and with no timeout: so it is asked here first.
    shown = f"[{host}]" if ":" in host else host
    address = f"http{'s' if secure else ''}://{shown}:{port}/api/v2/heartbeat"
    httpx.get(address, headers=headers, timeout=timeout).raise_for_status()
    client = chromadb.HttpClient(host, port, secure, headers, _settings())
    for session in _sessions(client):
        session.timeout = timeout
        session.event_hooks = {"request": [_patient]}
    return client


def _patient(request: Any) -> None:
    """Give a request for rows more time; each follows one for the collection, where a frozen server is found out."""
    if request.url.path.endswith(("/get", "/upsert", "/delete")):
        request.extensions["timeout"] = {**request.extensions["timeout"], "read": ROWS_SECONDS}


def _sessions(client: Any) -> list[Any]:
    """Return the connections of a client to a server, which it neither limits in time nor closes itself."""
    servers = (client._server, client._admin_client._server)
    return [server._session for server in servers if hasattr(server, "_session")]


def _settings() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)
