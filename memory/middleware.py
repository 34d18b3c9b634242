"""Any memory of the catalogue inside LangChain's `create_agent`.

    >>> remember = MemoryMiddleware(load().memory("window:k=3"))
    >>> agent = create_agent("openai:gpt-5-mini", tools, middleware=[remember], checkpointer=InMemorySaver())
    >>> agent.invoke({"messages": [("human", "My name is Alex.")]}, {"configurable": {"thread_id": "t1"}})

What the model is sent is the instructions, what the memory recalled of earlier turns, and the current turn whole: the
query and all calls and results of tools in this run. The agent's own `messages` are never shortened or rewritten. What
the memory knows is JSON in the agent's state, so that any checkpointer carries it; or in a store of ours, where the
inspector can look at it. The thread is the config's `thread_id`; the user its `user_id`, or the context's.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, NotRequired

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    PrivateStateAttr,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.config import get_config
from langgraph.runtime import Runtime
from langgraph.types import Command

from memory.agents.message_memory import MessageMemory, Owner, owner_of
from memory.agents.message_turns import start_of
from memory.agents.stored_memory import StoredMemory
from memory.base import Memory
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store


class MemoryState(AgentState[Any]):
    """The agent's state with what the memory knows, as JSON, and the id of the message that the run began with."""

    memory: NotRequired[Annotated[dict[str, Any], PrivateStateAttr]]
    memory_start: NotRequired[Annotated[str, PrivateStateAttr]]


class MemoryMiddleware(AgentMiddleware[MemoryState, Any, Any]):
    """Sends the agent's model what the memory recalls; tells the memory of each run at its end.

    `models` are whose tokens are counted and who serves the memory's own calls, by name, or a chat model for these
    calls (default: the agent's own). `budget` is the most tokens that the memory may send. With a `store` the turns,
    what the memory made of them and a trace of each prompt are kept there, and the thread there is what is recalled of:
    an agent then remembers without a checkpointer too. A memory's model that fails costs no turn: the next run catches
    up. Raises BadInput where the memory itself fails; nothing is then sent.
    """

    state_schema = MemoryState

    def __init__(
        self,
        memory: Memory,
        models: Models | BaseChatModel | None = None,
        *,
        store: Store | None = None,
        retrieval: Retrieval | None = None,
        budget: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._memory: MessageMemory
        if store is None:
            self._memory = MessageMemory(memory, models, retrieval=retrieval, budget=budget, clock=clock)
        else:
            self._memory = StoredMemory(memory, models, store=store, retrieval=retrieval, budget=budget, clock=clock)

    def before_agent(self, state: MemoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Note where the run begins: what is added later, whoever says it, belongs to the same turn."""
        messages = state["messages"]
        first = start_of(messages)
        return {"memory_start": messages[first].id or ""} if first < len(messages) else None

    async def abefore_agent(self, state: MemoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Note where the run begins."""
        return self.before_agent(state, runtime)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Have the model answer what the memory recalled instead of all messages."""
        shown, learned = self._shown(request)
        return _with(handler(shown), learned)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Have the model answer what the memory recalled instead of all messages."""
        shown, learned = await asyncio.to_thread(self._shown, request)
        return _with(await handler(shown), learned)

    def after_agent(self, state: MemoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Have the memory take in the turn, and whatever it has missed before."""
        kept = self._memory.write(
            state["messages"], state.get("memory"), start=state.get("memory_start"), owner=_owner(runtime)
        )
        return {"memory": kept} if kept else None

    async def aafter_agent(self, state: MemoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Have the memory take in the turn, and whatever it has missed before."""
        return await asyncio.to_thread(self.after_agent, state, runtime)

    def _shown(self, request: ModelRequest[Any]) -> tuple[ModelRequest[Any], dict[str, Any]]:
        """Return what the model is sent instead, and what the memory learned where it is new to this conversation."""
        state: Mapping[str, Any] = request.state
        kept, start, owner = state.get("memory"), state.get("memory_start"), _owner(request.runtime)
        system = [request.system_message] if request.system_message else []
        # What the agent keeps is what the memory has been told; the current turn may have been edited for this call.
        said = state["messages"]
        now = request.messages[start_of(request.messages, start) :]
        messages = [*system, *said[: start_of(said, start)], *now]
        learned: dict[str, Any] = {}
        self._memory.use(request.model)
        if self._memory.lags(messages, kept, start):
            learned = kept = self._memory.write(messages, kept, start=start, owner=owner, complete=False)
        tools = [json.dumps(convert_to_openai_tool(tool), default=str) for tool in request.tools]
        sent = self._memory.prompt(messages, kept, model=request.model, tools=tools, start=start, owner=owner)
        shown: list[Any] = sent[len(system) :]
        return request.override(messages=shown), learned


def _with(response: ModelResponse[Any], learned: dict[str, Any]) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
    return ExtendedModelResponse(response, Command(update={"memory": learned})) if learned else response


def _owner(runtime: Runtime[Any]) -> Owner:
    context = runtime.context
    user = context.get("user_id") if isinstance(context, Mapping) else getattr(context, "user_id", None)
    return owner_of(get_config(), user)
