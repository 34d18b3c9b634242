"""What lesson 10 tells of LangChain's packages, tried on those that are installed.

python -m pytest tests/lessons/test_told_of_langchain.py
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings

import langchain
import langchain_classic.memory
import langchain_core
import pytest
from langchain_classic.base_memory import BaseMemory

from memory.base import State
from memory.catalog import load
from memory.lessons.loading import lesson
from memory.lessons.words import texts_of
from tests.memory.fakes import FakeServices, plain

TOLD = "\n".join(text for step in lesson("write-your-own").steps for _, text in texts_of(step))


@pytest.mark.parametrize("name", ["Memory", "SQLiteMemory", "RedisMemory", "VectorStoreMemory"])
def test_a_class_that_never_existed_cannot_be_imported(name: str) -> None:
    assert f"`{name}`" in TOLD
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not hasattr(langchain_classic.memory, name)


@pytest.mark.parametrize("name", ["ConversationBufferMemory", "VectorStoreRetrieverMemory"])
def test_a_memory_that_serves_instead_is_there(name: str) -> None:
    assert f"`{name}`" in TOLD
    assert inspect.isclass(getattr(langchain_classic.memory, name))


@pytest.mark.parametrize("name", ["SQLChatMessageHistory", "RedisChatMessageHistory"])
def test_a_history_that_serves_instead_is_there(name: str) -> None:
    assert f"`{name}`" in TOLD
    with warnings.catch_warnings():
        # The package says at its import that it is not maintained any more.
        warnings.simplefilter("ignore")
        histories = importlib.import_module("langchain_community.chat_message_histories")
        assert inspect.isclass(getattr(histories, name))


@pytest.mark.parametrize(("package", "module"), [(langchain, "memory"), (langchain_core, "memory")])
def test_where_tutorials_import_from_there_is_nothing_any_more(package: object, module: str) -> None:
    name = f"{getattr(package, '__name__', '')}.{module}"
    assert f"`{name}`" in TOLD
    assert module not in {found.name for found in pkgutil.iter_modules(getattr(package, "__path__", []))}
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(name)


def test_the_old_form_lives_on_and_is_advised_against() -> None:
    assert f"`{BaseMemory.__module__}`" in TOLD
    assert getattr(BaseMemory, "__deprecated__", None)


def test_both_forms_of_the_last_input_send_the_same_words_and_one_alone_says_why() -> None:
    turns = [plain(0, "My name is Sarah.", "Hello."), plain(1, "I like books.", "Which ones?")]
    services = FakeServices()
    ours = load().memory("last_input").read(State(), turns, "?", services, 100)
    theirs = load().memory("lastinputclassicmemory").read(State(), turns, "?", services, 100)
    (item,), (text,) = ours.items, theirs.items
    assert item.turns == (1, 2)
    assert text.text == turns[1].human
    assert [one.why for one in theirs.left_out] == ["not known: the class does not say"]
    assert {one.why for one in ours.left_out} == {"not the last human message"}
