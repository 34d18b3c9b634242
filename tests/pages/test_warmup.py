"""A fresh process has what the chat imports before anybody asks for it.

python -m pytest tests/pages/test_warmup.py
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# In a process of its own: this one has imported the pages for other tests.
FRESH = """
import ast, asyncio, json, os, sys
from pathlib import Path
from pages.ui import warmup

async def serve():
    async with warmup.lifespan(None):
        await asyncio.to_thread(warmup.wait, 60)

asyncio.run(serve())
there = set(sys.modules)
for line in ast.parse(Path("pages/chat.py").read_text()).body:
    if isinstance(line, ast.Import | ast.ImportFrom):
        exec(compile(ast.Module([line], []), "chat.py", "exec"))
new = [module for module in set(sys.modules) - there if module.split(".")[0] in ("memory", "pages")]
print(json.dumps(sorted(new)), flush=True)
os._exit(0)  # the thread may be within an import of C++, which an interpreter that ends would break off
"""


def test_the_chat_finds_all_of_ours_imported_once_the_warm_up_says_so() -> None:
    done = subprocess.run([sys.executable, "-c", FRESH], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
