"""Fill a tool's schema from the prompt, guided by the schema's own names, descriptions, types and enums.

    >>> fill({"properties": {"editor": {"type": "string"}}}, read_prompt([HumanMessage("My editor is Glimp.")]))
    {'editor': 'Glimp'}

An object schema is read as one of a few shapes: a triple, an entity with a note, an episode, a fact, or else a
record whose fields are attributes of the user. What the prompt does not say stays out; a required field stays empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from memory.demo import words as w
from memory.demo.choices import chosen, examples, named_as
from memory.demo.episodes import episodes
from memory.demo.facts import entities, latest, relations, repeats, replaces, resolved, triples, weight
from memory.demo.predicates import workplaces
from memory.demo.schemas import Schema, as_dict, properties, resolved_schema, roles, shape, stems
from memory.demo.sentences import ASSISTANT, OF_FILE, PICTURE, USER, Clause, Run, clauses, runs, text_of, transcript
from memory.demo.telling import told

# More words by which a field may ask for what a relation of the user says.
_ALIASES = {
    "live in": "live home location city residence place town country",
    "move to": "live home location city residence place town country",
    "work at": "company employer organisation organization workplace",
    "work for": "company employer organisation organization workplace",
    "work as": "role title position occupation job profession",
    "like": "interest hobby",
    "want": "goal wish",
    "want to": "goal wish",
    "plan": "goal",
    "plan to": "goal",
    "hate": "dislike",
}
_NEW = re.compile(r"(?is)^.*\bnew (?:lines|messages|turns)[^:\n]*:[ \t]*\n(.*)$")
ROLE_LINE = re.compile(r"(?im)^[-*\s]*(?:human|user|ai|assistant)(?: \([^():\n]{1,60}\))?\s*:")
_LISTED = re.compile(r"(?m)^\W*(?:id\s*[:=]?\s*)?[\[(\"']?((?=\S*\d)[\w-]{1,40})[\])\"']*\s*[:.)\-]*\s+(\S[^\n]{4,})$")
_NOTED = re.compile(r"(?m)^[-*•] ([^:\n]{1,100}): (\S.*)$")
_SILENT = re.compile(r"(?i)nothing|none|^no_?[a-z]")
_QUOTED = re.compile(r"(?:^|(?<=\W))[\"'“‘«](.{1,200}?)[\"'”’»](?!\w)")
EXTRACTS = re.compile(
    r"\b(?:extract|identify|reflect|capture|distil|fill|collect|(?:update|maintain|manage|enrich) "
    r"(?:the|a|your|their|his|her)?\s?(?:\w+ ){0,3}"
    r"(?:profile|memor\w+|facts?|notes?|entit\w+|graph|knowledge|document))",
    re.I,
)
_RECORD = re.compile(r"(?is)^known so far:[ \t]*\n(\{.*?\})\s*\n\s*new lines:")
_SEVERAL = re.compile(r",\s*(?:and\s+)?|\s+and\s+")
_ID = re.compile(r"^(?:(?:memory|fact|doc|json_doc|record|item|note)_?)?(?:ids?|key)$", re.I)


def material(messages: Sequence[BaseMessage]) -> list[Run]:
    """Return the runs to extract from: the transcript in the last message, else the chat."""
    last = text_of(messages[-1].content) if messages else ""
    new = _NEW.match(last)
    if new or ROLE_LINE.search(last):
        return list(transcript(new[1] if new else last))
    return [run for m in messages if isinstance(m, (HumanMessage, AIMessage)) for run in runs(m)]


def facts_of(material: Iterable[Run]) -> list[Clause]:
    """Return the statements of people in the runs, in order; not a model's, nor what a picture's file says."""
    said: list[Clause] = []
    for r in material:
        for c in clauses(r.text, r.speaker, r.addressee, r.name) if r.speaker != ASSISTANT else ():
            if said and said[-1].speaker == c.speaker and (text := resolved(c, said[-1])) != c.text:
                c = clauses(text, r.speaker, r.addressee, r.name)[0]
            said.append(c)
    return [
        c._replace(order=i)
        for i, c in enumerate(said)
        if weight(c) and not (PICTURE.match(c.sentence) or OF_FILE.match(c.sentence))
    ]


def _attributes(facts: Iterable[Clause], prop: str, spec: Schema) -> list[str]:
    """Return what is known of the user under a field's name, oldest first; what a later statement denies is gone."""
    names, described = stems(prop), stems(prop, spec.get("description"))
    out: list[str] = []
    timeless = [c for c in latest(facts) if not {"was", "were", "used", "will", "'ll", "'d"} & {*c.tokens}]
    values = examples(str(spec.get("description") or ""))
    for c in timeless:
        if own := _own(c, names, values):
            out.append(own)
            continue
        for r in relations(c):
            first = r == relations(c)[0]
            if not first and " " not in relations(c)[0].predicate:
                continue  # "I like tea in spring" tells of tea only
            own_work = r.state == f"{w.key('job')} is"
            aliases = "occupation" if own_work else _ALIASES.get(" ".join(map(w.key, r.predicate.split())), "")
            known = stems(aliases, r.predicate if first else "")
            value = r.object
            age = re.fullmatch(r"(\d+)(?: years?(?: old)?)?", value)
            if r.predicate.endswith(" to") and "goal" in aliases:
                value = f"to {value}"
            if r.predicate == "is" and age:
                known, value = stems("age old"), age[1]
            # "I prefer glim mode" answers a field "preferred_mode" as well as one "preferred".
            asks = bool(names and known & described) and (
                names <= known | stems(value) or (names & known and len(known) == 1)
            )
            if r.subject == USER and asks and not r.denies:
                out.append(value)
    return list(dict.fromkeys(out))


def _own(c: Clause, names: set[str], values: Sequence[str]) -> str:
    """Return what the user takes under a field's name, or of the values that it names; "" where nothing is said."""
    if c.keys[:1] != (USER,) or w.NEGATIONS & {*c.keys}:
        return ""
    value, thing = named_as(c.text)
    return value if value and names and names <= stems(thing) else chosen(c.text, values)


def items(
    schema: Schema, root: Schema, facts: list[Clause], material: Sequence[Run], notes: dict[str, str] | None = None
) -> list[Schema] | None:
    """Return all the objects of an item schema that the material holds; None where the schema is a record.

    `notes` are those that the prompt lists by name.
    """
    kind, by, specs = shape(schema), roles(schema), properties(schema, root)
    rows: Iterable[dict[str, str]]
    if kind == "triple":
        found = dict.fromkeys(t for c in facts for t in triples(c))
        rows = [dict(zip(("subject", "predicate", "object"), t, strict=True)) for t in found]
    elif kind == "entity":
        user = re.search(r"\buser\b", json.dumps(specs)) is not None
        rows = [{"name": name, "note": note} for name, note in entities(facts, notes, user).items()]
    elif kind == "episode":
        rows = episodes(material)
    elif kind == "fact":
        rows = [{"content": told(part, c.name)} for c in latest(facts) for part in workplaces(c.text)]
    else:
        return None
    out = []
    for row in rows:
        known: Schema = {by[role]: value for role, value in row.items() if role in by}
        args = {p: [v] if specs[p].get("type") == "array" else v for p, v in known.items()}
        for prop in specs.keys() - by.keys() - args.keys():
            value = _scalar(prop, specs[prop], " ".join(row.values()), [], prop in (schema.get("required") or ()))
            args |= {} if value is None else {prop: value}
        out.append(args)
    return out


def _scalar(prop: str, spec: Schema, text: str, facts: list[Clause], required: bool) -> Any:
    """Return a value for one field, or None to leave it out."""
    kind, options = spec.get("type"), spec.get("enum")
    if "const" in spec:
        return spec["const"]
    if isinstance(options, list) and options:
        words = stems(text)
        words |= {"prefer"} if words & {"like", "hate", "dislik"} else set()
        general = stems("other fact general unknown create insert add")
        best = next((o for o in options if stems(o) and stems(o) <= words), None)
        fallback = next((o for o in options if stems(o) & general), options[0])
        return best if best is not None else fallback if required else None
    known = [] if _ID.match(prop) else _attributes(facts, prop, spec)
    if kind in ("integer", "number"):
        numbers = [v for v in known if re.fullmatch(r"-?\d+(?:\.\d+)?", v)]
        number = float(numbers[-1]) if numbers else spec.get("minimum", 0) if required else None
        return int(number) if kind == "integer" and number is not None else number
    if kind in ("boolean", "array", "object"):
        return {"boolean": False, "array": [], "object": {}}[str(kind)] if required else None
    return known[-1] if known else "" if required else None


def fill(
    schema: Schema, facts: list[Clause], material: Sequence[Run] = (), root: Schema | None = None, order: str = ""
) -> Schema:
    """Fill one object: lists of items, records of attributes, and (given an order) a tool's arguments."""
    root, args, required = root or schema, Schema(), schema.get("required") or ()
    for prop, spec in properties(schema, root).items():
        inner = resolved_schema(as_dict(spec.get("items")), root)
        value: Any = None
        if spec.get("type") == "array" and inner.get("properties"):
            found = items(inner, root, facts, material)
            one = fill(inner, facts, material, root) if found is None else {}
            value = found if found is not None else [one] if any(one.values()) else None
        elif spec.get("type") == "array" and inner.get("type", "string") == "string" and "enum" not in inner:
            value = [one for told in _attributes(facts, prop, spec) for one in _SEVERAL.split(told)] or None
        elif spec.get("properties"):
            found = items(spec, root, facts, material)
            value = fill(spec, facts, material, root, order) if found is None else found[-1] if found else None
        if not value:
            value = _scalar(prop, spec, order or " ".join(c.text for c in facts), facts, prop in required)
        if order and value in ("", 0) and prop in required:
            value = _argument(prop, spec, order) or value
        if value is not None:
            args[prop] = value
    return args


def _argument(prop: str, spec: Schema, text: str) -> Any:
    """Guess the argument of an ordinary tool in an order to use it: a number, what is quoted, else what is named."""
    if spec.get("type") in ("integer", "number"):
        number = re.search(r"-?\d+(?:\.\d+)?", text)
        return number and (int(float(number[0])) if spec["type"] == "integer" else float(number[0]))
    if stems(prop) & stems("query question search text input content sentence"):
        return text.strip()
    named = r"\b(?:in|at|for|of|to|from|named|called|about) ((?:[A-Z][\w'-]*,? ?)+)"
    found = _QUOTED.search(text) or re.search(named, text) or re.search(r"(?<=[a-z,] )((?:[A-Z][\w'-]*,? ?)+)", text)
    return found[1].strip(" ,") if found else ""


def extract(tools: Sequence[Schema], messages: Sequence[BaseMessage], forced: bool) -> list[tuple[str, Schema]]:
    """Return the (tool, arguments) pairs of one extraction: several where a tool takes one item each."""
    said = material(messages)
    facts, old, out = facts_of(said), _listed(messages), list[tuple[str, Schema]]()
    updates = [t for t in tools if any(_ID.match(p) for p in properties(t.get("parameters")))]
    for tool in tools:
        schema = as_dict(tool.get("parameters"))
        inserts, is_fact = tool not in updates or len(updates) == len(tools), shape(schema) == "fact"
        rows = items(schema, schema, facts, said, _noted(messages))
        if rows is None:
            args = _added(fill(schema, facts, said), schema, facts, _record(messages))
            rows = [args] if any(v not in ("", [], {}, False) for v in args.values()) else []
        for args in rows:
            hit = _known(str(args[roles(schema)["content"]]), old) if old and is_fact else None
            if hit and tool in updates:
                out.append((tool["name"], _as_update(schema, args, hit)))
            elif hit is None and inserts:
                out.append((tool["name"], args))
    if forced and tools:
        schema = as_dict(tools[0].get("parameters"))
        last = next((text_of(m.content) for m in reversed(messages) if isinstance(m, HumanMessage)), "")
        ordered = bool(stems(tools[0]["name"]) & stems(last) and _QUOTED.search(last) and not EXTRACTS.search(last))
        if ordered or not out:
            out = [(tools[0]["name"], fill(schema, facts, said, schema, last))]
    if not out:
        # Who is given a tool for it says that there is nothing to call another for.
        silent = [t for t in tools if not properties(t.get("parameters")) and _SILENT.search(t.get("name", ""))]
        out = [(t["name"], {}) for t in silent[:1]]
    return out


def _record(messages: Sequence[BaseMessage]) -> Schema:
    """Return the record that the last message gives as known before its new lines, as JSON."""
    last = text_of(messages[-1].content) if messages else ""
    known = _RECORD.match(last)
    try:
        return as_dict(json.loads(known[1])) if known else {}
    except (ValueError, RecursionError):
        return {}


def _added(args: Schema, schema: Schema, facts: list[Clause], known: Schema) -> Schema:
    """Add what lists of a record say to what they said before, without what is denied by now."""
    specs = properties(schema)
    for prop, before in known.items():
        if prop not in specs or not isinstance(before, list) or not all(isinstance(one, str) for one in before):
            continue
        denied = {r.object.lower() for c in facts for r in relations(c) if r.denies and r.subject == USER}
        values = dict.fromkeys([*before, *(args.get(prop) or ())])
        left = [
            value for value in values if not any(re.search(rf"\b{re.escape(value.lower())}\b", one) for one in denied)
        ]
        if left != before:
            args = {**args, prop: left}
    return args


def _noted(messages: Sequence[BaseMessage]) -> dict[str, str]:
    """Return the notes that the last message lists by name before its new lines ("- Ulla: Ulla bakes.")."""
    last = text_of(messages[-1].content) if messages else ""
    new = _NEW.match(last)
    return {m[1]: m[2] for m in _NOTED.finditer(last[: new.start(1)])} if new else {}


def _listed(messages: Sequence[BaseMessage]) -> dict[str, Clause]:
    """Return the memories that the prompt lists by id ("[3] The user …"), as clauses."""
    text = "\n".join(text_of(m.content) for m in messages if isinstance(m, (SystemMessage, HumanMessage)))
    line = ROLE_LINE.search(text)
    listed = _LISTED.finditer(text[: line.start()] if line else text)
    return {m[1]: c[0] for m in listed if (c := clauses(m[2].strip("\"'{} "), USER, ASSISTANT))}


def _known(fact: str, old: dict[str, Clause]) -> str | None:
    """Return the id of the memory that a fact replaces, "" for a fact that is known already, None for a new one."""
    new = next(iter(clauses(fact, USER, ASSISTANT)), None)
    if not new or any(repeats(new, o) and not replaces(new, o) for o in old.values()):
        return ""
    return next((i for i, o in old.items() if replaces(new, o)), None)


def _as_update(schema: Schema, args: Schema, hit: str) -> Schema:
    made = dict(args)
    for prop, spec in properties(schema).items():
        change = [o for o in spec.get("enum") or () if stems(o) & stems("update replace patch change")]
        if _ID.match(prop):
            made[prop] = int(hit) if spec.get("type") == "integer" and hit.isdigit() else hit
        elif change:
            made[prop] = change[0]
    return made
