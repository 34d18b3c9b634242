"""What tests have a worker do, and plug-ins that misbehave in one.

with Workers(1, "tests.compare.probes:Probe") as workers: ...
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from memory.compare.worker import Parent


class Probe:
    """Tells what its process is like; a number is how many seconds it then takes without a step."""

    def __call__(self, task: Any, parent: Parent) -> None:
        parent.tell(
            {
                "modules": sorted(name for name in ("streamlit", "redis", "pandas") if name in sys.modules),
                "main": getattr(sys.modules["__main__"], "__file__", None),
                "nice": os.nice(0),
                "sockets": sum(_is_socket(name) for name in os.listdir("/proc/self/fd")),
                "pid": os.getpid(),
            }
        )
        time.sleep(float(task))


def _is_socket(name: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    except OSError:
        return False


PLUG_IN = '''
import os, pathlib, signal, time
from memory.base import Memory, Recall, State

SEEN = pathlib.Path({seen!r})

class Probed(Memory):
    """Notes each run in a file, keeps a file for its user, and misbehaves."""
    short = label = "probed"
    keeps = forgets = costs = "nothing"
    stateful = True

    def read(self, state, transcript, query, services, budget):
        return Recall()

    def write(self, state, transcript, services, recall):
        if len(transcript) == 1:
            with open(SEEN / "runs", "a") as file:
                file.write(f"{{os.getpid()}}\\n")
            (SEEN / f"of-{{services.user}}").write_text("My code word is Zanzibar.")
        {then}
        return state

    @classmethod
    def erase(cls, user):
        there = (SEEN / f"of-{{user}}").exists()
        (SEEN / f"of-{{user}}").unlink(missing_ok=True)
        return int(there)
'''


def plug_in(folder: Path, then: str) -> Path:
    """Put a memory into `folder/plugins`, for MEMORY_PLUGINS; return where it leaves its traces."""
    seen = folder / "seen"
    seen.mkdir()
    (folder / "plugins").mkdir()
    (folder / "plugins" / "probed.py").write_text(PLUG_IN.format(seen=str(seen), then=then), "utf-8")
    return seen


def runs(seen: Path) -> list[int]:
    """Return the processes of the runs that began."""
    file = seen / "runs"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def is_running(pid: int) -> bool:
    """Whether a process lives; one that nobody waited for yet does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
