"""The examples in the modules' docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from memory.demo import DemoChatModel
from memory.demo.question import parse
from memory.demo.sentences import clauses, read_prompt

NAMES = {"HumanMessage": HumanMessage, "DemoChatModel": DemoChatModel}
NAMES |= {"clauses": clauses, "read_prompt": read_prompt, "parse": parse}


@pytest.mark.parametrize("name", sorted(p.stem for p in Path("memory/demo").glob("*.py")))
def test_the_examples_of_each_module_hold(name: str) -> None:
    module = importlib.import_module(f"memory.demo.{name}" if name != "__init__" else "memory.demo")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(module, extraglobs=NAMES, optionflags=flags)
    assert result.attempted > 0
    assert result.failed == 0
