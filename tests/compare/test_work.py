"""Workers: what they take over of the program that starts them, how they end, and what is left of them.

python -m pytest tests/compare/test_work.py
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import types
from contextlib import ExitStack
from pathlib import Path

import pytest

from memory.compare.work import PATIENCE, News, Workers
from memory.server.connect import Connection
from tests.clock import Clock
from tests.compare.probes import is_running

PROBE = "tests.compare.probes:Probe"


def told(workers: Workers, task: object = 0) -> News:
    next(workers.free()).give(task)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for news in workers.news(0.2):
            if news.kind == "told":
                return news
    raise AssertionError("it told nothing")


def test_a_worker_runs_no_page_loads_no_streamlit_and_has_no_connection_of_its_starters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connection: Connection
) -> None:
    # As Streamlit has it while a page runs: the main module is the page, and what is spawned otherwise would run it.
    page = types.ModuleType("__main__")
    page.__file__ = str(tmp_path / "app.py")
    Path(page.__file__).write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')")
    monkeypatch.setitem(sys.modules, "__main__", page)
    connection.client.ping()
    with Workers(1, PROBE) as workers:
        found = told(workers).value
    assert not (tmp_path / "was-run").exists()
    assert (found["main"], found["modules"]) == (None, [])
    assert found["sockets"] == 1  # the one to its parent
    assert found["nice"] >= min(19, os.nice(0) + 10)
    assert not is_running(found["pid"])


def test_a_worker_that_does_not_listen_is_ended_within_two_seconds() -> None:
    with ExitStack() as working:
        found = told(working.enter_context(Workers(1, PROBE)), 60).value
        with Clock() as clock:
            working.close()
    assert clock.seconds < PATIENCE + 1.5
    assert not is_running(found["pid"])


def test_a_worker_that_is_killed_is_gone_with_its_task_and_another_takes_its_place() -> None:
    with Workers(1, PROBE) as workers:
        first = told(workers, 60).value["pid"]
        os.kill(first, signal.SIGKILL)
        (news,) = list(workers.news(30))
        assert (news.kind, news.task) == ("gone", 60)
        assert told(workers).value["pid"] != first


def test_workers_end_with_the_process_that_started_them_however_that_ends() -> None:
    code = (
        "import sys, time\n"
        "from memory.compare.work import Workers\n"
        "workers = Workers(2, 'tests.compare.probes:Probe')\n"
        "for worker in workers.free(): worker.give(60)\n"
        "seen = 0\n"
        "while seen < 2:\n"
        "    for news in workers.news(1): print(news.value['pid'], flush=True); seen += 1\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    pids = [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    process.communicate()
    end = time.monotonic() + 20
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(is_running, pids))
