"""A prompt as clauses: who says each, in which order, with words that can be compared.

    >>> [c.keys for c in clauses("My name is Orlin and I moved.", "user", "assistant")]
    [('user', "'s", 'name', 'be', 'orlin'), ('user', 'move')]

First and second persons become the speaker and the addressee, so that "my name", said by the user, and "your name",
said to the user, are the same words. Speakers: "user", "assistant", or the name of somebody else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from memory.demo import words as w
from memory.demo.predicates import apart

USER, ASSISTANT = "user", "assistant"
REFUSAL = "I can't see that in what I was sent."
NEAREST = "The nearest I have is:"
MAX_CLAUSE = 2_000
MAX_TEXT = 100_000  # characters of one message that are read; the rest of a pasted megabyte is not


class Clause(NamedTuple):
    """One clause: its text, the sentence it stands in, surface words and keys side by side."""

    text: str
    sentence: str
    tokens: tuple[str, ...]
    keys: tuple[str, ...]
    speaker: str
    name: str  # the speaker as written, if it is not the user or the model
    question: bool
    date: str = ""
    order: int = 0
    said_by_model: bool = False


class Run(NamedTuple):
    """Lines of one text that one speaker says."""

    text: str
    speaker: str
    addressee: str
    name: str = ""
    date: str = ""


TOKEN = re.compile(r"\d+(?:[.,:]\d+)*\w*|\w+?(?=n['’]t\b)|n['’]t\b|['’](?:m|s|re|ve|ll|d)\b|\w+(?:-\w+)*")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"”')]*\s+(?=[\"“'(]?[^\s])|\n+|(?<=[。！？])")
_ABBREVIATION = re.compile(
    r"\b(?:(?:Mr|Mrs|Ms|Dr|St|Prof|e\.g|i\.e|vs|No)\.\s|[A-Z]\. (?!(?:I|My|The|We|It|He|She|They|You|A|An|In|On|But"
    r"|And)\b)[A-Z])"
)
_CLAUSE = re.compile(
    r"(?:\s*[,;–—]\s*|\s+)(?:and|but|so|while|whereas|though|although|yet)\s+(?=(?:now )?(?:I|my|we|our|he|she|they|you"
    r"|your)\b)"
    r"|\s*[;–—]\s+|(?<=\w):\s+(?=[^\W\d])|,\s+(?=(?:I|I'm|I’m|my|we|nice|pleased|thanks|thank|what|where|who|how"
    r"|do you|it's|it’s)\b)",
    re.I,
)
_SPEAKER = re.compile(
    r"^[-*•\s]*(?:(?:Human|User|AI|Assistant) \((?P<named>[^():]{1,60})\)"
    r"|(?P<label>[^\W\d_][\w'’.-]*(?: [A-Z][\w'’.-]*)?))\s*:\s+(?=\S)"
)
_SAID = re.compile(
    r"^(?:[-*•]\s*)?(?:[\w ]{1,40}:\s+)?(You|The user|[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)?) said(?: \(([^)]*)\))?: "
    r"[\"“](.*)[\"”]\.?$"
)
_QUOTED = re.compile(r"[\"“”«»][^\"“”«»]*[\"“”«»]")
_ASKS = re.compile(
    r"^\W*(?:(?:hi|hello|hey|so|and|but|ok|okay|well|now|please|sorry|also|then|thanks)\b[\s,!.]*)*"
    r"(?:(?:what|who|whom|whose|where|why|which|how)(?:['’]s|['’]re)?\b(?! a\b| an\b)"
    r"|when(?:['’]s)?\s+(?:is|are|was|were|do|does|did|will|can|have|has|had|should|would)\b"
    r"|(?:do|does|did|is|are|am|was|were|can|could|will|would|should|have|has|had|may)(?:n['’]t)?\s+"
    r"(?:(?:i|you|he|she|it|we|they|my|your|the|this|that|there)\b|(?-i:[A-Z])\w+)"
    r"|(?:(?:tell|remind|teach) me|explain|describe)\b(?! (?:that|him|her)))",
    re.I,
)
PICTURE = re.compile(r"^The picture (?P<name>\S.*?)(?: shows mainly |: )")
"""How what is told of a picture that came with a message begins."""
OF_FILE = re.compile(r"^It is an? \w+ file of [\d,]+ × [\d,]+ pixels\b")
"""What else is told of its file."""
# Wordings brought to the one that the rules know.
_CALL_ME = re.compile(r"^(?:(?:please|just|actually|you can|my friends)[\s,]+)*calls? me (?=(?-i:[A-Z]))", re.I)
_NAMED = re.compile(r"^I(?: have|['’]ve got) an? ([\w-]+) (?:named|called) (?=[A-Z])")
_WOULD = re.compile(r"(?:\bwould|['’]d)\s+(?!like\b|love\b|prefer\b|rather\b)", re.I)
_FIELD = re.compile(r"^[-*•\s]*(?:[Uu]ser[_ ])?([a-z]\w*(?: \w+){0,3})\s*[:=]\s+(\S.*)$")
_ROLES = {
    **dict.fromkeys(("human", "user", "you", "the user"), (USER, ASSISTANT, "")),
    **dict.fromkeys(("ai", "assistant", "model"), (ASSISTANT, USER, "")),
}


def text_of(content: Any) -> str:
    """Return the text of a message's content, without images and other media."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    texts = [b.get("text") if isinstance(b, dict) else b for b in blocks]
    return "\n".join(t for t in texts if isinstance(t, str))


def is_question(sentence: str) -> bool:
    """Tell whether a sentence asks: by its mark or by its word order."""
    return sentence.rstrip("\"”')* \t").endswith(("?", "？")) or bool(_ASKS.match(sentence[:200]))


def split(text: str) -> list[str]:
    """Cut a text into sentences; line ends cut too, abbreviations and initials do not."""
    out: list[str] = []
    start = 0
    for m in _SENTENCE.finditer(text):
        if "\n" not in m[0] and _ABBREVIATION.search(text, max(start, m.start() - 8), m.end() + 12):
            continue
        out.append(text[start : m.end()].strip())
        start = m.end()
    out.append(text[start:].strip())
    return [part for part in out if part]


def person(name: str) -> str:
    """Return the key by which a text calls somebody: that of the first name."""
    found = TOKEN.findall(name)
    return w.key(found[0]) if found else name.lower()


class _Kinds(dict[str, tuple[str, str]]):
    """Word → (kind, key), filled on demand: a prompt holds few different words and is read on every turn."""

    def __missing__(self, token: str) -> tuple[str, str]:
        low = token.lower().replace("’", "'")
        kind = "1" if low in w.FIRST else "2" if low in w.SECOND else low if low in ("'s", USER) else ""
        found = (kind + ("'" if kind in ("1", "2") and low in w.POSSESSIVES else ""), w.key(low))
        if len(self) < 100_000:
            self[token] = found
        return found


_KINDS = _Kinds()


def keys_of(text: str, speaker: str, addressee: str) -> list[tuple[str, str]]:
    """Return (word, key) pairs: a possessive pronoun is the person and "'s", "is called" is "'s name is"."""
    tokens = TOKEN.findall(text)
    out: list[tuple[str, str]] = []
    for i, token in enumerate(tokens):
        kind, key = _KINDS[token]
        if not kind:
            if key == "name" and out and out[-1][1] == "be" and out[-1][0].lower() not in ("was", "were", "be", "been"):
                out[-1:] = [("", "'s"), (token, "name"), out[-1]]
            else:
                out.append((token, key))
        elif kind == "'s":
            out.append((token, "'s" if _possessive(tokens, i) else "be"))
        elif kind == USER:
            out.append((token, USER if speaker == USER else key))
        else:
            out.append((token, speaker if kind[0] == "1" else addressee))
            if len(kind) == 2:
                out.append(("", "'s"))
    return out


def _possessive(tokens: Sequence[str], i: int) -> bool:
    before = tokens[i - 1].lower() if i else ""
    after = tokens[i + 1].lower() if i + 1 < len(tokens) else ""
    if before in w.WH | w.SUBJECTS or before in ("there", "that", "here", "let", "this"):
        return False
    # "Ulla's sailing boat is old" is hers.
    noun = i + 3 < len(tokens) and tokens[i + 3].lower() in w.BE
    is_verb = (
        after.endswith("ing") and not noun
    ) or after in w.ARTICLES | w.NEGATIONS | w.PREPOSITIONS | w.POSSESSIVES | w.ADVERBS
    return bool(after) and not is_verb and (w.key(after) != "name" or after == "name")


@lru_cache(maxsize=5_000)
def clauses(text: str, speaker: str, addressee: str, name: str = "") -> tuple[Clause, ...]:
    """Cut what one speaker says into clauses; a question keeps its mark on each of its clauses."""
    out: list[Clause] = []
    for sentence in split(text):
        said = _SAID.match(sentence) if " said" in sentence else None
        if said:
            out.extend(c._replace(sentence=sentence) for c in clauses(said[3], *_voice(said[1])))
            continue
        shown, asks = sentence, is_question(sentence)
        if not asks and _QUOTED.search(sentence):
            # First persons inside quotation marks are somebody else's; titles in quotation marks stay.
            shown = _QUOTED.sub(lambda m: "…" if w.FIRST & set(m[0].lower().strip('"“”').split()) else m[0], sentence)
        for part in (p for whole in _CLAUSE.split(shown) for p in _statements(whole.strip(), asks, sentence)):
            part = _NAMED.sub(r"My \1 is called ", _CALL_ME.sub("my name is ", part))
            pairs = keys_of(part[:MAX_CLAUSE], speaker, addressee)
            if pairs:
                tokens, keys = zip(*pairs, strict=True)
                out.append(Clause(part, sentence, tokens, keys, speaker, name, asks))
    return tuple(out)


def _statements(part: str, asks: bool, sentence: str) -> list[str]:
    """Take a clause's predicates apart, unless the sentence asks or what stands before the clause bears on them all."""
    before = {x.strip(",;:") for x in sentence[: max(0, sentence.find(part))].lower().split()}
    if asks or len(part) > MAX_CLAUSE or before & (w.HYPOTHETICAL | w.REPORTING) or '"' in part:
        return [part]
    return apart(part, list(TOKEN.finditer(part)))


def _voice(name: str) -> tuple[str, str, str]:
    return _ROLES.get(name.lower()) or (person(name), "someone", name)


def _json_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for k, v in value.items():
            # A short value under a telling key is a fact by itself: {"favourite_food": "..."}.
            yield from [f"{str(k).replace('_', ' ')}: {v}"] if isinstance(v, str) and len(v) < 60 else _json_texts(v)
    elif isinstance(value, list):
        for v in value:
            yield from _json_texts(v)


def _unpacked(text: str) -> str:
    """Return the texts inside a tool result that is JSON, one to a line."""
    if text[:1] in "[{":
        try:
            return "\n".join(t.removeprefix("content: ") for t in _json_texts(json.loads(text)))
        except (ValueError, RecursionError):
            pass
    return text


def transcript(text: str) -> Iterator[Run]:
    """Yield the runs of a text that nobody says: role lines, date lines, fields ("name: …"), notes on somebody."""
    mine = (USER, ASSISTANT, "")  # memories are often kept in the user's own words
    date, current = "", mine
    for line in text.split("\n"):
        bare = line.strip()
        if len(bare) < 60 and bare and bare[-1] not in "?!" and w.DATE_LINE.match(bare):
            date, current = bare.strip("-—–[]()#*: "), mine
            continue
        said, field = _SAID.match(bare), _FIELD.match(bare)
        label = None if line[:1].isspace() else _SPEAKER.match(line)
        who = (label["named"] or label["label"]) if label else ""
        rest = line[label.end() :] if label else ""
        if said:
            yield Run(said[3], *_voice(said[1]), said[2] or date)
        elif field and field[1] not in _ROLES and not {*field[1].split()} <= w.LABELS:
            yield Run(f"The user's {field[1].replace('_', ' ')} is {field[2]}", *mine, date)
        elif who and not {*who.lower().split()} <= w.LABELS:
            if who.lower() not in _ROLES and re.match(rf"{re.escape(who)}\b|[a-z]+s\b", rest):
                yield Run(rest if rest.startswith(who) else f"{who} {rest}", *mine, date)
                continue
            current = _voice(who)
            yield Run(rest, *current, date)
        elif bare:
            # What stands under a role line and is indented belongs to it.
            current = current if line[:1].isspace() else mine
            yield Run(bare, *current, date)


def runs(message: BaseMessage) -> list[Run]:
    """Return what a message says, run by run; only in a text that nobody says can role lines name a speaker."""
    text = text_of(message.content)[:MAX_TEXT]
    if isinstance(message, (SystemMessage, ToolMessage)):
        return list(transcript(_unpacked(text) if isinstance(message, ToolMessage) else text))
    if message.name and isinstance(message, (HumanMessage, AIMessage)):
        return [Run(text, *_voice(message.name))]
    return [Run(text, ASSISTANT, USER) if isinstance(message, AIMessage) else Run(text, USER, ASSISTANT)]


def read_prompt(messages: Sequence[BaseMessage]) -> list[Clause]:
    """Return the clauses of all messages that can be evidence, oldest first: no question, no refusal."""
    out: list[Clause] = []
    for run in (run for message in messages for run in runs(message)):
        by_model = run.speaker == ASSISTANT
        if by_model and (run.text.startswith(REFUSAL) or NEAREST in run.text):
            continue
        for c in clauses(run.text, run.speaker, run.addressee, run.name):
            if not c.question and not (by_model and w.FIRST & {t.lower() for t in c.tokens}):
                out.append(Clause(*c[:7], run.date, len(out), by_model))
    return out


def core(keys: Sequence[str]) -> list[str]:
    """Reduce a noun phrase to what counts: no articles, "the roof of the house" as "the house's roof"."""
    out = [k for k in keys if k not in w.FILLERS]
    if "of" in out[1:-1]:
        i = out.index("of", 1)
        out = [*out[i + 1 :], "'s", *out[:i]]
    return out


def states(c: Clause) -> bool:
    """Tell whether a clause states something: no question, condition or plan, nothing that others are said to say."""
    words = {t.lower() for t in c.tokens}
    if c.question or words & w.HYPOTHETICAL or {"might", "may", "could"} & {*c.tokens} or _WOULD.search(c.text):
        return False
    start = max(0, c.sentence.find(c.text))
    before = {x.strip(",;:") for x in c.sentence[:start].lower().split()}
    # "a friend: I live …" is the friend's; "so far: my name is …" and "let me say: I am …" are not.
    labelled = (
        c.sentence[:start].rstrip().endswith(":") and w.FIRST & words and not before & {"i", "me", "myself", "we"}
    )
    if labelled and not before <= w.LABELS | w.LEAD_IN | w.FILLERS:
        return False
    if w.HYPOTHETICAL & before or (w.REPORTING & before and "i" not in before):
        return False
    reports = [i for i, t in enumerate(c.tokens) if i and t.lower() in w.REPORTING]
    return all(c.keys[i - 1] == c.speaker or c.keys[i - 1] in w.AUX for i in reports)
