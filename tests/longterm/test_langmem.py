"""LangMem's own tools work on our store, where LangMem is installed; it is no dependency of ours.

pip install langmem && python -m pytest tests/longterm/test_langmem.py
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from memory.longterm.base_store import UserStores
from memory.longterm.shelf import InMemoryShelf
from memory.retrieval.embeddings import embedding
from memory.retrieval.vectors import InMemoryVectors

langmem = pytest.importorskip("langmem", reason="LangMem is not installed; it is optional")


def test_langmems_tools_keep_find_change_and_remove_a_memory() -> None:
    store = UserStores(InMemoryShelf(), InMemoryVectors(), embedding("hashing")).of("alex")
    namespace = ("memories", "{langgraph_user_id}")
    manage = langmem.create_manage_memory_tool(namespace, store=store)
    search = langmem.create_search_memory_tool(namespace, store=store)
    config: Any = {"configurable": {"langgraph_user_id": "alex"}}
    manage.invoke({"content": "Alex prefers dark mode.", "action": "create"}, config)
    (item,) = store.search(("memories", "alex"))
    assert item.value == {"content": "Alex prefers dark mode."}
    found = json.loads(search.invoke({"query": "dark mode"}, config))
    assert [one["key"] for one in found] == [item.key]
    manage.invoke({"content": "Alex prefers light mode.", "action": "update", "id": item.key}, config)
    assert [one.value for one in store.search(())] == [{"content": "Alex prefers light mode."}]
    manage.invoke({"action": "delete", "id": item.key}, config)
    assert store.search(()) == []
