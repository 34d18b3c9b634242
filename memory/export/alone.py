"""The main file of a memory that needs nothing of this package: LangGraph's StateGraph, or LangChain's create_agent.

>>> print(graph_alone(memory, rule, model="openai:gpt-5-mini"))
"""

from __future__ import annotations

import re
from textwrap import wrap

from memory.base import Memory
from memory.common.summarize import INSTRUCTIONS
from memory.export.literals import constants, keeps, literal
from memory.export.rules import Rule

_DOC = '''"""A chat with {name}.

    MODEL=openai:gpt-5-mini python agent.py

{keeps}
{frame} is all that it needs. The whole conversation stays in the state and its
checkpoints; `recall` chooses what of it is sent. Without MODEL an echo answers, which
needs no key.
"""
'''

_TURNS = '''
def turns_of(messages):
    """Part messages into turns: a human message and all that follows it."""
    turns = []
    for message in messages:
        if message.type == "human" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns
'''

_COUNT = '''
def count(messages):
    """Count the tokens of texts and tool calls."""
    total = 0
    for message in messages:
        total += len(ENCODING.encode_ordinary(message.text))
        if calls := getattr(message, "tool_calls", None):
            keys = ("name", "args", "id")
            sent = [{key: call[key] for key in keys} for call in calls]
            total += len(ENCODING.encode_ordinary(json.dumps(sent, ensure_ascii=False)))
    return total
'''

_SUMMARIZE = '''
def summarize(model, summary, turns):
    """Add turns to a summary, by one call of the model."""
    said = [line_of(message) for turn in turns for message in turn if message.text]
    asked = f"Current summary:\\n{summary or '(none)'}\\n\\nNew lines:\\n" + "\\n".join(said)
    messages = [
        SystemMessage(SUMMARY_PROMPT.format(max_tokens=MAX_SUMMARY)),
        HumanMessage(asked + "\\n\\nNew summary:"),
    ]
    text = model.invoke(messages, {"tags": ["nostream"]}).text.strip()
    return ENCODING.decode(ENCODING.encode_ordinary(text)[:MAX_SUMMARY]) or summary


def line_of(message):
    """Quote a message; its further lines are indented, as if none were a speaker's."""
    speaker = {"human": "Human", "ai": "AI", "tool": "Tool"}[message.type]
    if message.name:
        speaker += f" ({message.name})"
    return f"{speaker}: " + "\\n    ".join(message.text.splitlines())
'''

_OPEN = '''
def open_model():
    """Open the model that MODEL names."""
    return init_chat_model(MODEL) if MODEL else ParrotFakeChatModel()
'''

_GRAPH = '''
def build(model=None, checkpointer=None):
    """Build the graph; the checkpointer keeps its conversations, by their thread_id."""
    model = model or open_model()

    def answer(state: MessagesState):
        *earlier, now = turns_of(state["messages"])
        instructions = [SystemMessage(INSTRUCTIONS)] if INSTRUCTIONS else []
        return {"messages": [model.invoke([*instructions, *recall(earlier), *now])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    return graph.compile(checkpointer=checkpointer or InMemorySaver())
'''

_GRAPH_WITH_SUMMARY = '''
class Chat(MessagesState):
    """The whole conversation; the summary, and the first turn that is not in it."""

    summary: str
    first: int


def build(model=None, memory_model=None, checkpointer=None):
    """Build the graph; the checkpointer keeps its conversations, by their thread_id."""
    model = model or open_model()
    memory_model = memory_model or model

    def answer(state: Chat):
        *earlier, now = turns_of(state["messages"])
        instructions = [SystemMessage(INSTRUCTIONS)] if INSTRUCTIONS else []
        recalled = recall(earlier, state.get("summary", ""), state.get("first", 0))
        return {"messages": [model.invoke([*instructions, *recalled, *now])]}

    def learn(state: Chat):
        turns = turns_of(state["messages"])
        summary, first = state.get("summary", ""), state.get("first", 0)
        try:
            summary, first = remember(memory_model, turns, summary, first)
        except Exception:
            logging.exception("The summary failed: the next turn catches up.")
        return {"summary": summary, "first": first}

    graph = StateGraph(Chat)
    graph.add_node("answer", answer)
    graph.add_node("learn", learn)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", "learn")
    return graph.compile(checkpointer=checkpointer or InMemorySaver())
'''

_AGENT = '''
class Remember(AgentMiddleware):
    """Sends what `recall` chooses of earlier turns, and the current turn whole."""

    def shown(self, request):
        *earlier, now = turns_of(request.messages)
        return request.override(messages=[*recall(earlier), *now])

    def wrap_model_call(self, request, handler):
        return handler(self.shown(request))

    async def awrap_model_call(self, request, handler):
        return await handler(self.shown(request))


def build(model=None, tools=(), checkpointer=None):
    """Build the agent; the checkpointer keeps its conversations, by their thread_id."""
    return create_agent(
        model or open_model(),
        list(tools),
        system_prompt=INSTRUCTIONS or None,
        middleware=[Remember()],
        checkpointer=checkpointer or InMemorySaver(),
    )
'''

_AGENT_WITH_SUMMARY = '''
class Summary(AgentState):
    """The agent's state; the summary, and the first turn that is not in it."""

    summary: NotRequired[str]
    first: NotRequired[int]


class Remember(AgentMiddleware):
    """Sends what `recall` chooses of earlier turns, and the current turn whole."""

    state_schema = Summary

    def __init__(self, model):
        super().__init__()
        self.model = model

    def shown(self, request):
        *earlier, now = turns_of(request.messages)
        state = request.state
        recalled = recall(earlier, state.get("summary", ""), state.get("first", 0))
        return request.override(messages=[*recalled, *now])

    def wrap_model_call(self, request, handler):
        return handler(self.shown(request))

    async def awrap_model_call(self, request, handler):
        return await handler(self.shown(request))

    def after_agent(self, state, runtime):
        turns = turns_of(state["messages"])
        summary, first = state.get("summary", ""), state.get("first", 0)
        try:
            summary, first = remember(self.model, turns, summary, first)
        except Exception:
            logging.exception("The summary failed: the next turn catches up.")
        return {"summary": summary, "first": first}


def build(model=None, memory_model=None, tools=(), checkpointer=None):
    """Build the agent; the checkpointer keeps its conversations, by their thread_id."""
    model = model or open_model()
    return create_agent(
        model,
        list(tools),
        system_prompt=INSTRUCTIONS or None,
        middleware=[Remember(memory_model or model)],
        checkpointer=checkpointer or InMemorySaver(),
    )
'''

LOOP = """
if __name__ == "__main__":
    chat = build()
    config = {"configurable": {"thread_id": "1"}}
    for line in sys.stdin:
        found = chat.invoke({"messages": [("human", line.strip())]}, config)
        print(found["messages"][-1].text)
"""


_IMPORTS = (
    ("json", "import json"),
    ("logging", "import logging"),
    ("os", "import os"),
    ("sys", "import sys"),
    ("NotRequired", "from typing import NotRequired"),
    ("", ""),
    ("bpe_openai", "import bpe_openai"),
    ("create_agent", "from langchain.agents import create_agent"),
    ("AgentMiddleware", "from langchain.agents.middleware import AgentMiddleware"),
    ("AgentState", "from langchain.agents.middleware import AgentState"),
    ("init_chat_model", "from langchain.chat_models import init_chat_model"),
    ("ParrotFakeChatModel", "from langchain_core.language_models import ParrotFakeChatModel"),
    ("HumanMessage", "from langchain_core.messages import HumanMessage"),
    ("SystemMessage", "from langchain_core.messages import SystemMessage"),
    ("trim_messages", "from langchain_core.messages import trim_messages"),
    ("InMemorySaver", "from langgraph.checkpoint.memory import InMemorySaver"),
    ("START", "from langgraph.graph import START"),
    ("MessagesState", "from langgraph.graph import MessagesState"),
    ("StateGraph", "from langgraph.graph import StateGraph"),
)
"""What a word in the code needs, in the order in which it is written."""


def graph_alone(memory: Memory, rule: Rule, model: str, encoding: str) -> str:
    """Write the file on LangGraph."""
    return _file("LangGraph", memory, rule, _GRAPH_WITH_SUMMARY if rule.remember else _GRAPH, model, encoding)


def agent_alone(memory: Memory, rule: Rule, model: str, encoding: str) -> str:
    """Write the file on LangChain's create_agent."""
    return _file("LangChain", memory, rule, _AGENT_WITH_SUMMARY if rule.remember else _AGENT, model, encoding)


def _file(name: str, memory: Memory, rule: Rule, frame: str, model: str, encoding: str) -> str:
    """Put a file together: what it is, its imports, its settings, its functions."""
    parts = [rule.recall, *([rule.remember, _SUMMARIZE] if rule.remember else []), _OPEN, frame, LOOP]
    if _names("count", "".join(parts)):
        parts.insert(0, _COUNT)
    settings = [f'MODEL = os.environ.get("MODEL", {literal(model)})', 'INSTRUCTIONS = ""']
    settings += [constants(rule.settings)] if rule.settings else []
    if _names("ENCODING", "".join(parts)):
        settings.append(f'ENCODING = bpe_openai.get_encoding("{encoding}")')
    settings += [_prompt()] if rule.remember else []
    code = "\n".join([*settings, "", "\n".join([_TURNS, *parts])])
    doc = _DOC.format(name=memory.name, keeps=keeps(memory), frame=name)
    return f"{doc}\n{_imported(code)}\n\n{code}"


def _names(word: str, code: str) -> bool:
    return re.search(rf"\b{word}\b", code) is not None


def _imported(code: str) -> str:
    """Write the imports that code needs, those from one module on one line."""
    lines: list[str] = []
    for word, line in _IMPORTS:
        if word and not _names(word, code):
            continue
        module, _, name = line.partition(" import ")
        if name and lines and lines[-1].startswith(f"{module} import "):
            lines[-1] += f", {name}"
        else:
            lines.append(line)
    return "\n".join(lines)


def _prompt() -> str:
    pieces = wrap(INSTRUCTIONS, 78)
    lines = "".join(f"    {literal(piece + ' ')}\n" for piece in pieces[:-1])
    return f"SUMMARY_PROMPT = (\n{lines}    {literal(pieces[-1])}\n)"
