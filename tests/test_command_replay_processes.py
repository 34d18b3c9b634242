"""Replays in several processes: the same words as in one, errors as one line, and nobody left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memory.commands import _replay_work, main
from tests.test_command_replay import locomo, write

SLOW = '''
import os, pathlib, time
from memory.base import Memory, Recall

class Slow(Memory):
    """Takes its time, and says which process it runs in."""
    short = label = "slow"
    keeps = forgets = costs = "nothing"
    def read(self, state, transcript, query, services, budget):
        pathlib.Path({folder!r}, str(os.getpid())).touch()
        {then}
        return Recall()
'''


@pytest.fixture
def three(tmp_path: Path) -> str:
    return write(tmp_path, locomo("conv-1", "conv-2", "conv-3"), "three.json")


def plug_in(folder: Path, then: str) -> Path:
    """Put a memory into a plug-in folder; return where its processes leave their numbers."""
    seen = folder / "seen"
    seen.mkdir()
    (folder / "plugins").mkdir()
    (folder / "plugins" / "slow.py").write_text(SLOW.format(folder=str(seen), then=then), "utf-8")
    return seen


def test_a_file_is_replayed_alike_in_one_process_and_in_two(
    three: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for count in (1, 2):
        monkeypatch.setattr(_replay_work, "processes", lambda *_, count=count: count)
        specs = ("--memory", "window:k=1", "--memory", "vector", "--embeddings", "hashing")
        assert main(("replay", three, *specs, "--json", "-")) == 0
        said.append(re.sub(r'"seconds": [\d.e-]+', "", capsys.readouterr().out))
        assert main(("replay", three, *specs)) == 0
        said[-1] += capsys.readouterr().out
    assert said[0] == said[1]


def test_a_memorys_mistake_in_another_process_is_the_same_line_and_exit_code(
    three: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = plug_in(tmp_path, "if len(transcript) == 3: raise ValueError('too much')")
    monkeypatch.setenv("MEMORY_PLUGINS", str(tmp_path / "plugins"))
    said = []
    for count in (1, 2):
        monkeypatch.setattr(_replay_work, "processes", lambda *_, count=count: count)
        code = main(("replay", three, "--memory", "slow", "--json", str(tmp_path / "out.json")))
        said.append((code, capsys.readouterr().err))
    assert said[0] == said[1]
    assert said[0][0] == 2
    assert said[0][1].count("\n") == 1
    assert "Slow failed at turn 3 of conv-1 (ValueError: too much)" in said[0][1]
    assert not (tmp_path / "out.json").exists()
    assert not [pid for pid in os.listdir(seen) if pid != str(os.getpid()) and is_running(int(pid))]


def test_ctrl_c_ends_all_processes_and_leaves_nothing(
    three: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seen = plug_in(tmp_path, "time.sleep(30)")  # so that none is done before the other has begun, on the busiest cores
    code = (
        # A shell's background jobs, and what nohup starts, are handed down that they ignore it.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from memory.commands import _replay_work, main\n"
        "_replay_work.processes = lambda *_: 2\n"
        f"raise SystemExit(main(('replay', {three!r}, '--memory', 'slow', '--json', {str(tmp_path / 'out.json')!r})))"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "MEMORY_PLUGINS": str(tmp_path / "plugins"), "TMPDIR": str(scratch)},
    )
    request.addfinalizer(process.kill)
    end = time.monotonic() + 90
    while len(os.listdir(seen)) < 2:
        assert time.monotonic() < end, "they do not both begin"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, said = process.communicate(timeout=60)
    # A child that is stopped while it is still starting may say so in its own words before.
    assert process.returncode == 130
    assert said.endswith("python -m memory: stopped\n")
    end = time.monotonic() + 20
    while any(is_running(int(pid)) for pid in os.listdir(seen)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in os.listdir(seen) if is_running(int(pid))]
    assert not (tmp_path / "out.json").exists()
    assert not list(tmp_path.glob(".out.json*"))
    assert not os.listdir(scratch)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_short_files_are_not_worth_a_process(three: str) -> None:
    from memory.formats import read_files
    from memory.services import Models

    recordings = read_files(three)
    assert _replay_work.processes(_replay_work.Work(("window",), Models()), recordings) == 1
