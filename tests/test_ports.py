"""Two processes that look for ports in the same order.

python -m pytest tests/test_ports.py
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.ports import free_port

MANY = 200
TAKES = f"""
import random
random.seed(7)
from tests.ports import free_port
print(*(free_port() for _ in range({MANY})), flush=True)
input()
"""


def taker(stack: ExitStack) -> subprocess.Popen[str]:
    """Start a process that takes many ports and keeps them until it is told to end."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = stack.enter_context(
        subprocess.Popen([sys.executable, "-c", TAKES], cwd=Path(__file__).parents[1], **pipes)
    )
    stack.callback(process.kill)
    return process


def taken(process: subprocess.Popen[str]) -> set[int]:
    assert process.stdout
    return {int(port) for port in process.stdout.readline().split()}


def test_no_two_processes_are_given_the_same_port_and_what_one_had_is_free_when_it_ends() -> None:
    with ExitStack() as stack:
        at_once = [taken(process) for process in [taker(stack), taker(stack)]]
    with ExitStack() as stack:
        later = taken(taker(stack))
    mine = {free_port() for _ in range(MANY)}
    assert [len(ports) for ports in (*at_once, later, mine)] == [MANY] * 4
    assert not at_once[0] & at_once[1]
    assert later & (at_once[0] | at_once[1])
