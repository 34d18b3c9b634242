"""What somebody broke comes in whole or is refused in one line, and never takes the process down.

    make attack                 50,000 files; the tests do TRIES // 2 = 5,000

The files are made and read in other processes (`broken_files.py`), whose memory is limited.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attack.broken_files import LARGE, MEMORY

pytestmark = pytest.mark.timeout(3600)

FILES = int(os.environ.get("TRIES", "10000")) // 2
AT_ONCE = 5_000
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("begin", range(0, FILES, AT_ONCE))
def test_each_broken_file_is_taken_or_refused_in_one_line_within_the_memory(begin: int) -> None:
    count, large = min(AT_ONCE, FILES - begin), len(LARGE) if FILES > AT_ONCE and not begin else 1
    command = [sys.executable, "-m", "tests.attack.broken_files", str(count), str(begin + 1), str(large)]
    # Its threads would take address space that no file asked for.
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    said = json.loads(done.stdout.splitlines()[-1])
    print(said)
    assert said["faults"] == []
    assert said["files"] == count + large
    assert said["taken"] > count // 50
    assert said["refused"] > count // 4
    assert said["megabytes"] * 1_000_000 < MEMORY
