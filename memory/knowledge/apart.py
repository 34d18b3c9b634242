"""Reads pdf and html in a process of their own, so that a hostile file takes neither the app's time nor its memory.

    >>> read_apart("gates.pdf", "pdf", data).place(0, 40)
    'page 1'

The process is this module itself: the file on its input, JSON on its output. It is stopped after SECONDS and cannot
take more than MEMORY.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from memory.errors import BadInput
from memory.knowledge.reading import Read

SECONDS = 90
MEMORY = 1_500_000_000
"""Bytes of address space."""
LONGEST = 30_000_000
"""Characters that are taken of a file at most: what a few bytes unfold to can be any number."""


def read_apart(name: str, kind: str, data: bytes) -> Read:
    """Read a file in another process; raises BadInput where it is broken, holds no text or takes too long."""
    command = [sys.executable, "-m", "memory.knowledge.apart", kind, name]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=SECONDS, cwd=Path(__file__).parents[2], check=False
        )
        told = json.loads(done.stdout) if done.returncode == 0 else {}
    except subprocess.TimeoutExpired:
        raise BadInput(f"“{name}” took more than {SECONDS} s to read: save it anew, or in parts.") from None
    except ValueError:
        told = {}
    if "wrong" in told:
        raise BadInput(str(told["wrong"]))
    if "text" not in told:
        raise BadInput(f"“{name}” is broken or unfolds to more than can be read: save it anew, or its text as txt.")
    return Read(told["text"], told["unit"], tuple((at, number) for at, number in told["marks"]), told["told"])


def main(kind: str, name: str) -> None:
    """Read the file on the input within the limits, and write what was read."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    except (ImportError, ValueError, OSError):
        pass  # where a system knows no such limits the time is limited still
    data = sys.stdin.buffer.read()
    try:
        read = _reader(kind)(name, data)
        told = {"text": read.text, "unit": read.unit, "marks": read.marks, "told": read.told}
    except BadInput as error:
        told = {"wrong": str(error)}
    # Half of a pair of surrogates, which a pdf may hold, is no text.
    sys.stdout.buffer.write(json.dumps(told).encode("ascii"))


def _reader(kind: str):  # type: ignore[no-untyped-def]
    if kind == "pdf":
        from memory.knowledge.pdf import read_pdf

        return read_pdf
    from memory.knowledge.html import read_html

    return read_html


if __name__ == "__main__":
    main(*sys.argv[1:3])
