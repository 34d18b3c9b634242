"""The embedded server: a Redis of one's own for who names none, with nothing acknowledged ever lost.

    >>> server = Embedded(data_folder())
    >>> server.ensure()                    # starts it, or attaches to the one that runs
    PosixPath('/home/alex/.local/share/memory-inspector/redis/server.sock')
    >>> server.close()                     # the last process to leave asks it to stop

In the folder `redis` of the data folder, readable by its owner only:

    appendonlydir/   the data: an append-only file, on disk before a write is acknowledged
    server.json      the marker: which server wrote the data, so that another one does not misread it
    server.lock      locked by the server itself, which inherits it open
    users.lock       locked (shared) by every process that uses the server
    server.sock      where it listens, unless the path is too long for a socket; no port is opened
    damaged/         files as they were before their torn end was cut off, for a month
    server.log       what it had to say since its last start; server.pid its process

`server.lock` makes a second server on the same files impossible for as long as the first one lives, even frozen:
whoever gets the lock may start a server, whoever does not waits for it. The server outlives a process that is killed;
the next one attaches to it. It costs about 10 MB while idle and ends when its last user closes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Literal

from memory.errors import StoreUnavailable
from memory.observing import log
from memory.server import append_only
from memory.server.data_folder import disk_full, make_private, private, unusable
from memory.server.server_binary import choose

if sys.platform != "win32":
    import fcntl

State = Literal["ready", "starting", "frozen", "away"]

# A socket's path with its end mark must fit in sockaddr_un.
LONGEST_SOCKET_PATH = 103 if sys.platform == "darwin" else 107

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "aof-use-rdb-preamble": "no",  # plain commands: the only form that another server can read
    "aof-load-truncated": "no",  # what is torn is cut off by `append_only.py`, which keeps a copy and says so
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "loglevel": "warning",
    "logfile": "server.log",
    "pidfile": "server.pid",
}


class Embedded:
    """The server of one data folder, shared by every process and thread that opens the same folder."""

    def __init__(self, home: Path) -> None:
        self.home = home.expanduser().resolve()
        self.folder = self.home / "redis"
        self.socket = self.folder / "server.sock"
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET_PATH:
            # Found again by every process of this user, whatever TMPDIR says.
            digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
            self.socket = Path("/tmp") / f"memory-inspector-{os.getuid()}-{digest}" / "server.sock"
        self._users: int | None = None
        self._owner = os.getpid()
        self._mutex = threading.Lock()

    def ensure(self, patience: float = 10.0, reading: float | None = None) -> Path:
        """Return the socket of a server that is ready; start one if none runs.

        Safe to call at any time from any number of threads and processes, above all after a ConnectionError.
        `patience` is the seconds it waits, `reading` those for a server that still reads its data where they differ.
        """
        if sys.platform == "win32":
            raise StoreUnavailable("The embedded server does not run on Windows: set REDIS_URL to a Redis server.")
        try:
            self._prepare()
            return self._ready(patience, patience if reading is None else reading)
        except OSError as error:
            raise unusable(self.folder, error) from error

    def probe(self, timeout: float = 1.0) -> State:
        """Ask the server for a sign of life, in at most `timeout` seconds or so."""
        try:
            reply = self._say(b"PING\r\n", timeout)
        except (TimeoutError, BlockingIOError):  # a frozen server's queue of connections can also be full
            return "frozen"
        except OSError:
            return "away"
        if not reply:
            return "away"
        return "starting" if reply.startswith(b"-LOADING") else "ready"

    def pid(self) -> int | None:
        """Return the server's process, or None if no server holds this folder."""
        try:
            lock = self._lock_server()
            if lock is None:
                return int((self.folder / "server.pid").read_text())
            os.close(lock)
        except (OSError, ValueError):
            pass
        return None

    def why(self) -> str | None:
        """Say in one sentence why the server died or does not start, if it is known."""
        try:
            said = self._log()
            # On a full disk the log stays empty too.
            full = "No space left on device" in said or shutil.disk_usage(self.folder).free < 65_536
        except OSError:
            return None
        if full:
            return disk_full(self.folder)
        if damage := self._damage(said):
            where = "in its middle" if damage.after else "at its end"
            return (
                f"The embedded server cannot read {damage.file}: it is damaged {where}, at byte"
                f" {damage.whole:,} of {damage.size:,}, with {damage.after:,} writes after that. Nothing was changed."
                " Set MEMORY_INSPECTOR_HOME to a new folder and restore your last backup there; or"
                " `python -m memory repair` cuts the file off at that place, keeps a copy and tells what is lost."
            )
        return None

    @property
    def repaired(self) -> str:
        """What was done to a file whose end was torn, in the last days; empty where nothing was."""
        try:
            return append_only.told(self.folder / append_only.DAMAGED)
        except OSError:
            return ""

    def repair(self, middle: bool = False) -> str:
        """Cut off the torn end that a server died of; returns what was done, empty where there is no such end.

        Damage to what was acknowledged is cut with `middle` alone, as some of it is lost by that.
        """
        lock = self._lock_server()
        if lock is None:
            return ""
        try:
            damage = self._damage(self._log())
            if damage is None or not (damage.torn or middle):
                return ""
            said = append_only.repair(damage, self.folder / append_only.DAMAGED)
        finally:
            os.close(lock)
        log.event("repaired", "warning", file=damage.file.name, cut=damage.size - damage.whole, after=damage.after)
        return said

    def _log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-4000:]

    def _damage(self, said: str) -> append_only.Damage | None:
        name = append_only.died_of(said)
        return append_only.look(self.folder / "appendonlydir" / name) if name else None

    def stop(self, timeout: float = 3.0) -> bool:
        """Stop the server cleanly, whoever uses it; return whether none runs any more."""
        try:
            self._say(b"SHUTDOWN NOSAVE\r\n", timeout)
        except OSError:
            pass
        deadline = time.monotonic() + timeout
        while (lock := self._lock_server()) is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        if self.socket.parent != self.folder:
            shutil.rmtree(self.socket.parent, ignore_errors=True)
        os.close(lock)
        return True

    def close(self) -> None:
        """Leave the server; the last process to do so stops it.

        A server is never stopped under another process: the shared lock of each user ends with its process only.
        """
        with self._mutex:
            users, self._users = self._users, None
        # A forked child shares the parent's lock and must not speak for it.
        if users is None or os.getpid() != self._owner:
            return
        try:
            # Held until the server is gone, so that a process that starts now waits and then starts a new one.
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # One that is frozen or still reads its data is left for the next user: nobody waits for it to end.
            if self.probe(timeout=0.3) == "ready":
                self.stop()
        except OSError:
            pass
        finally:
            os.close(users)

    def _ready(self, patience: float, reading: float) -> Path:
        begin = time.monotonic()
        child: subprocess.Popen[bytes] | None = None
        was_away = repaired = False
        try:
            while True:
                state = self.probe()
                if state == "ready":
                    return self.socket
                # Only a server that was listening before is frozen; a young one may be slow to say its first word.
                if state == "frozen" and not was_away:
                    raise StoreUnavailable(self._no_answer())
                if child and child.poll() is not None:
                    if not repaired and self.repair():
                        child, repaired = None, True
                        continue
                    raise StoreUnavailable(self.why() or self._last_words())
                if state == "away":
                    was_away = True
                    child = child or self._start()
                if time.monotonic() - begin > (reading if state == "starting" else min(patience, 5.0)):
                    raise StoreUnavailable(self._still_starting() if state == "starting" else self._no_answer())
                time.sleep(0.02)
        finally:
            if child and child.returncode is None:
                # The server outlives this call; should it die before this process does, somebody must collect it.
                threading.Thread(target=child.wait, name="embedded-server", daemon=True).start()

    def _start(self) -> subprocess.Popen[bytes] | None:
        """Start a server, unless one lives or is being started by somebody else."""
        lock = self._lock_server()
        if lock is None:
            return None
        try:
            binary = choose(self.folder)
            (self.folder / "server.pid").unlink(missing_ok=True)
            append_only.remove_copies(self.folder / append_only.DAMAGED, append_only.KEPT_DAYS)
            log = self.folder / "server.log"
            if log.exists():
                log.replace(self.folder / "server.log.1")
            options = {**SETTINGS, "dir": str(self.folder), "unixsocket": str(self.socket)}
            command = [binary.path, *(word for name, value in options.items() for word in (f"--{name}", value))]
            # No keys of the application leak into the server, and a bogus LANG cannot keep it from starting.
            kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TZ") if name in os.environ}
            with open(log, "ab", opener=private) as out:
                return subprocess.Popen(
                    command,
                    cwd=self.folder,
                    env={**kept, "LC_ALL": "C"},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                    umask=0o077,
                    pass_fds=(lock,),
                )
        finally:
            os.close(lock)  # from here on the server alone holds it

    def _prepare(self) -> None:
        """Make the private folders and become a user of the server."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(self.folder)
        with self._mutex:
            if self._users is None:
                self._users, self._owner = self._become_user(), os.getpid()
        make_private(self.socket.parent)

    def _become_user(self) -> int:
        users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + 5
        while True:
            try:
                fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return users
            except BlockingIOError:  # another process is just stopping the server
                if time.monotonic() > deadline:
                    os.close(users)
                    raise StoreUnavailable("The embedded server is being stopped: try again in a moment.") from None
                time.sleep(0.01)

    def _lock_server(self) -> int | None:
        """Take the lock that a server holds while it lives; None if one does."""
        lock = os.open(self.folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _say(self, words: bytes, timeout: float) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(timeout)
            line.connect(str(self.socket))
            line.sendall(words)
            return line.recv(128)

    def _no_answer(self) -> str:
        pid = self.pid()
        process = f" (process {pid})" if pid else ""
        return (
            f"The embedded server{process} runs but does not answer: try again in a moment; if that does not help,"
            f" end {'it with kill ' + str(pid) if pid else 'its process'} and nothing that was saved is lost."
        )

    def _still_starting(self) -> str:
        return "The embedded server is still reading its data: try again in some seconds."

    def _last_words(self) -> str:
        try:
            lines = (self.folder / "server.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        said = f' It said "{lines[-1].strip()}".' if lines else ""
        return f"The embedded server does not start.{said} See {self.folder / 'server.log'}, or set REDIS_URL."
