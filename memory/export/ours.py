"""The main file of a memory that this package runs: inside create_agent, or in the nodes of a graph.

>>> print(agent_with_ours(memory, model="openai:gpt-5-mini"))
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from memory.base import Memory
from memory.export.alone import LOOP
from memory.export.literals import WIDTH, constant, constants, keeps, literal

_DOC = '''"""A chat with {name}.

    PYTHONPATH=/path/to/memory-inspector MODEL=openai:gpt-5-mini python agent.py

{keeps}
{how}
It needs the Memory Inspector's package `memory`, which is run from its checkout: put
that on PYTHONPATH, and install requirements.txt. Without MODEL the demo model answers.
"""
'''

_IN_AGENT = """LangChain's agent keeps its own messages whole; what the memory knows is beside them."""
_IN_GRAPH = """Its own search, notes or files make it what it is, so the graph's nodes ask for them."""

_AGENT = '''
def build({arguments}):
    """Build the agent; the checkpointer keeps its conversations, by their thread_id."""
{memory}
    return create_agent(
        model or chat_model(MODEL),
        list(tools),
        system_prompt=INSTRUCTIONS or None,
        middleware=[MemoryMiddleware(memory, models, **options)],
        checkpointer=checkpointer or InMemorySaver(),
    )
'''

_GRAPH = '''
class Chat(MessagesState):
    """The whole conversation, and as JSON what the memory knows beside it."""

    memory: dict


def build({arguments}):
    """Build the graph; the checkpointer keeps its conversations, by their thread_id."""
    model = model or chat_model(MODEL)
{memory}
    remembered = MessageMemory(memory, models, **options)

    def answer(state: Chat, config: RunnableConfig):
        instructions = [SystemMessage(INSTRUCTIONS)] if INSTRUCTIONS else []
        sent = remembered.prompt(
            [*instructions, *state["messages"]],
            state.get("memory"),
            model=model,
            owner=owner_of(config),
        )
        return {{"messages": [model.invoke(sent)]}}

    def learn(state: Chat, config: RunnableConfig):
        messages, known = state["messages"], state.get("memory")
        return {{"memory": remembered.write(messages, known, owner=owner_of(config))}}

    graph = StateGraph(Chat)
    graph.add_node("answer", answer)
    graph.add_node("learn", learn)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", "learn")
    return graph.compile(checkpointer=checkpointer or InMemorySaver())
'''
_PLUG_IN = """
It is a plug-in: MEMORY_PLUGINS must name the folder that its file is in."""


def agent_with_ours(memory: Memory, model: str) -> str:
    """Write the file on create_agent with our middleware."""
    imports = {
        "from langchain.agents import create_agent",
        "from langgraph.checkpoint.memory import InMemorySaver",
        "from memory.middleware import MemoryMiddleware",
    }
    return _file(_IN_AGENT, memory, model, imports, _AGENT)


def graph_with_ours(memory: Memory, model: str) -> str:
    """Write the file on a StateGraph whose nodes ask our memory."""
    imports = {
        "from langchain_core.messages import SystemMessage",
        "from langchain_core.runnables import RunnableConfig",
        "from langgraph.checkpoint.memory import InMemorySaver",
        "from langgraph.graph import START, MessagesState, StateGraph",
        "from memory.agents.message_memory import MessageMemory, owner_of",
    }
    return _file(_IN_GRAPH, memory, model, imports, _GRAPH)


def _file(how: str, memory: Memory, model: str, imports: set[str], frame: str) -> str:
    settings: dict[str, Any] = memory.settings.model_dump(mode="json")
    imports = imports | {
        "from memory.catalog import load",
        "from memory.models import chat_model",
        "from memory.services import Models",
    }
    lines = [f'MODEL = os.environ.get("MODEL", {literal(model or "demo")})']
    if memory.stateful:
        lines.append('MEMORY_MODEL = os.environ.get("MEMORY_MODEL", MODEL)')
    lines.append('INSTRUCTIONS = ""')
    if settings:
        lines.append(constants(settings))
    arguments = ["model=None", "models=None", *(["tools=()"] if frame is _AGENT else []), "checkpointer=None"]
    if memory.embeds:
        lines.append('EMBEDDINGS = os.environ.get("EMBEDDINGS", "auto")')
        arguments.append("embeddings=EMBEDDINGS")
        imports |= {
            "from memory.retrieval.embeddings import embedding",
            "from memory.retrieval.index import Retrieval",
        }
    body = frame.format(arguments=_arguments([*arguments, "**options"]), memory=_memory(memory, list(settings)))
    doc = _DOC.format(name=memory.name, keeps=keeps(memory), how=how + (_PLUG_IN if _elsewhere(memory) else ""))
    head = [doc, "import os\nimport sys\n", "\n".join(sorted(imports)), "", "\n".join(lines), ""]
    return "\n".join(head) + "\n" + body + "\n" + LOOP


def _elsewhere(memory: Memory) -> bool:
    """Say whether a memory's file is in a plug-in folder of somebody's own."""
    file = getattr(sys.modules.get(type(memory).__module__), "__file__", None)
    return file is not None and not Path(file).is_relative_to(Path(__file__).parents[1])


def _arguments(names: list[str]) -> str:
    line = ", ".join(names)
    if len(f"def build({line}):") <= WIDTH:
        return line
    return "\n" + "".join(f"    {name},\n" for name in names)


def _memory(memory: Memory, settings: list[str]) -> str:
    """Write the lines that make the memory, its models and what it searches with."""
    lines, given = [], "{}"
    if settings:
        lines = ["settings = {", *(f"    {literal(name)}: {constant(name)}," for name in settings), "}"]
        given = "settings"
    made = f"memory = load().make({literal(memory.name)}, {given})"
    if len(made) + 4 > WIDTH:
        made = f"memory = load().make(\n        {literal(memory.name)}, {given}\n    )"
    models = "Models(MODEL, MEMORY_MODEL)" if memory.stateful else "Models(MODEL)"
    lines += [made, f"models = models or {models}"]
    if memory.embeds:
        lines.append('options["retrieval"] = Retrieval(embedding(embeddings))')
    return "\n".join(f"    {line}" for line in lines)
