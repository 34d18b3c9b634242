"""The folder of all local data, its owner's alone, and the sentences for a folder or a disk that fails.

>>> data_folder()
PosixPath('/home/alex/.local/share/memory-inspector')
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

from memory.errors import StoreUnavailable


def data_folder() -> Path:
    """Return the folder of all local data, MEMORY_INSPECTOR_HOME or the platform's own place; created for its owner."""
    if home := os.environ.get("MEMORY_INSPECTOR_HOME"):
        folder = Path(home).expanduser().absolute()
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "memory-inspector"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support" / "memory-inspector"
    else:
        base = os.environ.get("XDG_DATA_HOME", "")
        folder = (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "memory-inspector"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error
    return folder


def make_private(folder: Path) -> None:
    """Make a folder, or close one that was open to others; one of somebody else is refused."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StoreUnavailable(f"{folder} belongs to somebody else: set MEMORY_INSPECTOR_HOME to a folder of your own.")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def private(path: str, flags: int) -> int:
    """Open a file for its owner only, as the `opener` of `open`."""
    return os.open(path, flags, 0o600)


def disk_full(folder: Path) -> str:
    return f"The disk that holds {folder} is full: free some space and try again; nothing that was saved is lost."


def unusable(folder: Path, error: OSError) -> StoreUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreUnavailable(disk_full(folder))
    return StoreUnavailable(
        f"The folder {folder} cannot be used ({error.strerror}): make it writable, or set MEMORY_INSPECTOR_HOME"
        " to a folder that is."
    )
