"""What the demo model does with a prompt: summarise, extract, remember, forget, search, greet, note or answer.

>>> reply([HumanMessage("My name is Orlin. What's my name?")])
Reply(text='Your name is Orlin.', calls=[])
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage

from memory.demo import deletion, pairs, procedure
from memory.demo.answer import Answer, answer
from memory.demo.extract import EXTRACTS, ROLE_LINE, extract, facts_of, fill
from memory.demo.facts import weight
from memory.demo.question import EMBEDDED, ORDER
from memory.demo.schemas import Schema, properties, roles, stems
from memory.demo.sentences import (
    ASSISTANT,
    MAX_TEXT,
    OF_FILE,
    USER,
    Run,
    clauses,
    is_question,
    person,
    read_prompt,
    split,
    text_of,
)
from memory.demo.summary import request, summarise
from memory.demo.telling import PLEASANTRY, clip, finish, say, told

UNABLE = "I'm the demo model: I note, recall and summarise what I am sent, and can do nothing else."
ITSELF = "I'm the demo model: I know nothing but what I am sent."
NO_IMAGES = "I can't see images."
_REMEMBER = re.compile(
    r"^\W*(?:(?:please|can you|could you|also|hey|ok|and|so)\b[\s,]*)*(?:remember|memori[sz]e|note(?: down)?|save|store"
    r"|don['’]t forget|keep in mind)(?!\s+(?:when|how|what|who|where|why|the time)\b)"
    r"(?:\s+(?:that|this|the fact that))?\s*[:,]?\s+(?P<what>\S.+)$",
    re.I | re.S,
)
_GREETING = re.compile(r"^\W*(hi|hello|hey|good (?:morning|evening|afternoon|day))\b", re.I)
_WHO_ARE_YOU = re.compile(r"^\W*(?:who|what|how)(?: are|['’]re) you\W*$|^\W*what can you do\b", re.I)
_LAST_SAID = re.compile(r"^\W*what did i (?:just |last )?(?:say|ask|write|tell you)(?: just now| last)?\W*$", re.I)
_IMPERATIVE = re.compile(
    r"^\W*(?:(?:please|now|can you|could you)\s+)*(?:write|show|give|create|translate|list|help|draw|compose|generate"
    r"|compute|calculate|sing|play|suggest|recommend|find|search)\b(?! (?:is|was|are)\b)",
    re.I,
)
# "Where does Ulla work, and what does Tove play?"; "when and where" is one question.
_ALSO = re.compile(
    r"(?<!\bwhen)(?<!\bwhere)(?<!\bhow)(?<!\bwhy)(?<!\bwho)(?<!\bwhat)(?:\s*[,;]\s*(?:and\s+)?|\s+and\s+)"
    r"(?=(?:what|who|whose|where|when|why|how)(?:['’]s)?\s)",
    re.I,
)
_SAVES = re.compile(r"\b(?:save|store|remember|memori[sz]e|manage|persist|create|record|insert|add|upsert)s?\b", re.I)
_MEMORY = re.compile(r"\b(?:memor(?:y|ies)|facts?|notes?|remember|persist|later|long-term)\b", re.I)
_SEARCHES = re.compile(r"\b(?:search|find|look(?:s|ing)? ?up|recall|retrieve|query)(?:es|s)?\b", re.I)


class Reply(NamedTuple):
    """The text to say and the (tool, arguments) pairs to call."""

    text: str
    calls: list[tuple[str, Schema]]


def reply(messages: Sequence[BaseMessage], tools: Sequence[Schema] = (), choice: str = "") -> Reply:
    """Decide and do; `choice` is a tool's name, "any" or empty."""
    last = messages[-1] if messages else HumanMessage("")
    if choice and tools:
        chosen = [t for t in tools if t.get("name") == choice] or list(tools)
        if all(_role(t) == "search" for t in chosen):
            asked = next((text_of(m.content) for m in reversed(messages) if isinstance(m, HumanMessage)), "")
            return Reply("", [_search(chosen[0], asked)])
        return Reply("", extract(chosen, messages, forced=True))
    wanted = None if tools else request(messages)
    if wanted:
        return Reply(summarise(*wanted), [])
    if rewrites := [made for tool in tools if (made := procedure.call(tool, messages))]:
        return Reply("", rewrites[:1])
    if named := pairs.calls(tools, messages):
        return Reply("", named)
    if tools and not isinstance(last, ToolMessage) and _is_extraction(messages, tools):
        calls = extract(tools, messages, forced=False)
        return Reply("" if calls else "There is nothing to extract.", calls)
    return _chat(messages, tools)


def _role(tool: Schema) -> str:
    """Tell from a tool's words whether it saves memories, searches, or does something else."""
    name, text = str(tool.get("name", "")).replace("_", " "), str(tool.get("description", ""))[:200]
    for words in (name, text):
        if _SEARCHES.search(words):
            return "search"
        if _SAVES.search(words) and _MEMORY.search(f"{name} {text}"):
            return "save"
    return ""


def _is_extraction(messages: Sequence[BaseMessage], tools: Sequence[Schema]) -> bool:
    system = " ".join(text_of(m.content) for m in messages if isinstance(m, SystemMessage))
    last = text_of(messages[-1].content)[:MAX_TEXT] if messages else ""
    ordered = EXTRACTS.search(system[:2000]) or EXTRACTS.match(last[:200])
    searches = any(_role(t) == "search" for t in tools)
    return bool(ROLE_LINE.search(last) or (ordered and not is_question(last) and not searches))


def _chat(messages: Sequence[BaseMessage], tools: Sequence[Schema]) -> Reply:
    at = max((i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), default=-1)
    message = messages[at] if at >= 0 else HumanMessage("")
    text, before = text_of(message.content)[:MAX_TEXT], messages[: max(at, 0)]
    results = [m for m in messages[at + 1 :] if isinstance(m, ToolMessage)]
    blocks = message.content if isinstance(message.content, list) else []
    unseen = f" {NO_IMAGES}" if any(isinstance(b, dict) and b.get("type", "text") != "text" for b in blocks) else ""
    # Who asks under a name that has spoken before asks as that person.
    asker = person(message.name) if message.name and message.name in {m.name for m in before} else USER
    order = None if text.rstrip().endswith("?") else _REMEMBER.match(text)
    asked = [s for s in split(text) if not order and (is_question(s) or EMBEDDED.match(s) or ORDER.match(s))]
    questions = [part for s in asked for part in _questions(s)]
    by_role = {_role(tool): tool for tool in reversed(tools)}
    if order and "save" in by_role and not results:
        return Reply("", [_save(by_role["save"], order["what"])])
    unwanted = "" if order else deletion.what(text)
    if unwanted and "search" in by_role and deletion.deletes(by_role.get("save", {})):
        return _forget(unwanted, by_role, results)
    if not questions:
        if not results:
            call = _call(text, tools)
            return (
                Reply("", [call])
                if call
                else Reply(_remark(text, order["what"] if order else text, asker) + unseen, [])
            )
        saved = _noted(order["what"], asker) if order else ""
        return Reply(f"Saved: {saved}" if saved else _told_by(results), [])
    prompt = read_prompt([m for m in messages if not (isinstance(m, ToolMessage) and m.status == "error")])
    said = [_about_the_chat(q, before) or answer(q, prompt, asker) for q in questions]
    if not all(a.found for a in said):
        search = by_role.get("search")
        call = _call(text, tools) or (_search(search, " ".join(questions)) if search else None)
        if call and not results:
            return Reply("", [call])
        if any(
            _role({"name": m.name or ""}) != "search" and by_role.get("search", {}).get("name") != m.name
            for m in results
        ):
            return Reply(_told_by(results), [])
    return Reply(" ".join(dict.fromkeys(a.text for a in said)) + unseen, [])


def _questions(sentence: str) -> list[str]:
    """Return the questions of one sentence: each of several words, the first one by itself a question."""
    parts = _ALSO.split(sentence)
    whole = len(parts) < 2 or not all(len(p.split()) > 2 for p in parts)
    return [sentence] if whole or not (is_question(parts[0]) or EMBEDDED.match(parts[0])) else parts


def _about_the_chat(question: str, before: Sequence[BaseMessage]) -> Answer | None:
    if _WHO_ARE_YOU.match(question):
        return Answer(ITSELF, True)
    human = [text_of(m.content) for m in before if isinstance(m, HumanMessage)]
    return Answer(f'You said: "{finish(clip(human[-1]))}"', True) if human and _LAST_SAID.match(question) else None


def _call(text: str, tools: Sequence[Schema]) -> tuple[str, Schema] | None:
    """Call the ordinary tool that a text names, if it names one."""
    words = stems(text)
    for tool in tools:
        named = stems(tool.get("name")) - stems("get function tool call run")
        if not _role(tool) and named & words and (is_question(text) or named <= words or "use" in words):
            return tool["name"], fill(tool.get("parameters") or {}, facts_of([Run(text, USER, ASSISTANT)]), order=text)
    return None


def _search(tool: Schema, question: str) -> tuple[str, Schema]:
    specs = properties(tool.get("parameters"))
    texts = [p for p, s in specs.items() if s.get("type", "string") == "string" and "enum" not in s]
    best = [p for p in texts if stems(p) & stems("query question search text input")] or texts
    return tool["name"], {p: question.strip() for p in best[:1]}


def _forget(what: str, by_role: Mapping[str, Schema], results: Sequence[ToolMessage]) -> Reply:
    """Search for what is to be forgotten, have it deleted, and tell how that went."""
    if not results:
        return Reply("", [_search(by_role["search"], what)])
    done = [m for m in results if m.name != by_role["search"]["name"]]
    calls = [] if done else deletion.call(by_role["save"], what, results)
    return Reply("" if calls else _told_by(done) if done else deletion.NONE, calls)


def _save(tool: Schema, what: str) -> tuple[str, Schema]:
    schema = tool.get("parameters") or {}
    parts = [c for c in clauses(what, USER, ASSISTANT) if not PLEASANTRY.match(c.text)]
    prop = roles(schema).get("content") or next(iter(schema.get("required") or ()), None)
    content = {prop: " ".join(told(c.text) for c in parts) or finish(what)} if prop else {}
    return tool["name"], fill(schema, parts) | content


def _told_by(results: Sequence[ToolMessage]) -> str:
    said = " ".join(clip(text_of(m.content)) for m in results if text_of(m.content).strip())
    return f"The tool says: {said}" if said else "The tool says nothing."


def _noted(text: str, asker: str) -> str:
    """Repeat the first statements of a text to the person who made them."""
    parts = [c for c in clauses(text, asker, ASSISTANT) if not c.question and not PLEASANTRY.match(c.text)]
    parts = [c for c in parts if not OF_FILE.match(c.sentence)]
    said = list(dict.fromkeys(say(c, True) for c in parts if weight(c) or len(c.keys) > 2))
    more = f" (and {len(said) - 2} more)" if len(said) > 2 else ""
    noted = " ".join(said[:2]) + more
    return noted[0].lower() + noted[1:] if re.match(r"(?:You|Your|The|An?|In|On|At)\b", noted) else noted


def _remark(text: str, what: str, asker: str) -> str:
    """Greet, thank, own up to what it cannot do, or acknowledge a statement."""
    greeting = _GREETING.match(text)
    hello = f"{finish(greeting[1]).rstrip('.')}!" if greeting else ""
    if not text.strip():
        return "I was sent no text."
    if PLEASANTRY.match(text):
        return hello or ("You're welcome." if re.search(r"\bthank", text, re.I) else "All right.")
    if _IMPERATIVE.match(text):
        return UNABLE
    noted = _noted(what, asker)
    return f"{hello} {f'Noted: {noted}' if noted else 'All right.'}".strip()
