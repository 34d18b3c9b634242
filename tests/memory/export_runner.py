"""Runs the tests of exported folders one after the other in this process; prints each folder with its exit code.

    python -P tests/memory/export_runner.py FOLDER FOLDER …

The last line says whether this project's package was imported meanwhile.
"""

from __future__ import annotations

import sys

import pytest

for folder in sys.argv[1:]:
    for name in ("agent", "test_agent"):
        sys.modules.pop(name, None)
    code = pytest.main(["-q", "-p", "no:cacheprovider", "--no-header", "--tb=short", "--rootdir", folder, folder])
    sys.path.remove(folder)
    print(f"RAN {folder} {int(code)}", flush=True)
print("MEMORY" if "memory" in sys.modules else "ALONE")
