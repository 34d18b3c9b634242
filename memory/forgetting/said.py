"""The words of what is to be forgotten, and where else they stand.

    >>> words = Words(["I live in Lyon, at 12 rue Sala."])
    >>> words.shared("Your address is 12 Rue Sala.")
    ('12 rue sala', 'sala')

A text repeats what was said where it holds a run of words of it, one that is rare as a name is, or several that are
not common. What is looked for in files is narrower: only what stands nowhere in what remains, so that whatever is
found was forgotten badly.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from memory.base import Turn
from memory.pictures.picture import typed
from memory.retrieval.words import STOP

_WORD = re.compile(r"\w+")
_NAME = re.compile(r"(?<=[\w,;:] )[A-Z]\w+|\w*\d\w*")
"""A word that begins with a capital in mid-sentence, or holds a number."""
_NOBODY = re.compile(r"(?i)\bthe user(?:['’]s)?(?!\w)")
"""How facts speak of whom they are about: it stands in every one and tells nothing of any."""
_PROGRAM = Path(__file__).parents[1]
RUN = 3
"""How many words that follow each other are no accident, if two of them say something."""
FEW = 60
"""Among so few texts any word that tells something is worth a look; among more, one that stands in few of them."""
RARE, NAMED, MANY = 3, 20, 4
"""In how many texts a word may stand that tells alone, and a name; how many other words together are no accident."""
MOST_PROBES = 400
"""For how many words and lines the files are searched at most, the longest first."""
LONGEST = 200
"""Characters of a line that is looked for."""


def said_in(turn: Turn) -> list[str]:
    """Return everything that a turn says: its messages, names, tool calls and pictures, earlier answers, its error."""
    texts = [*turn.earlier, turn.error or ""]
    for message in turn.messages:
        texts += [message.content, message.name or ""]
        texts += [text for call in message.tool_calls for text in _values(call.get("args"))]
        # By its content's hash a picture is found again wherever it was sent, whatever was said with it.
        texts += [f"same picture {picture.id}" for picture in message.pictures]
    return [text for text in texts if text.strip()]


def _values(value: Any) -> Iterator[str]:
    """Yield the texts and numbers within a value of JSON, without the names of its fields."""
    if isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _values(one)
    elif value is not None:
        yield str(value)


def asked_in(turn: Turn) -> list[str]:
    """Return what a turn says that is the user's: what was typed, and the names and hashes of its pictures."""
    shown = [text for picture in turn.pictures for text in (picture.name, f"same picture {picture.id}")]
    return [typed(turn.human, turn.pictures), *shown]


def answered_in(turn: Turn) -> list[str]:
    """Return what a turn says that is not the user's."""
    return [*turn.earlier, *(message.content for message in turn.messages if message.role != "human")]


def words_in(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _tells(word: str) -> bool:
    """Whether a word alone can say what was said: no function word, and long enough or a number."""
    return word not in STOP and (len(word) >= 4 or (len(word) >= 2 and (word.isdecimal() or not word.isascii())))


class Words:
    """What was said, as it can be found again among `others`.

    Of what was `answered` a single word counts only where it is a name or a number: the others are a model's manners.
    """

    def __init__(self, said: Iterable[str], others: Sequence[str] = (), answered: Iterable[str] = ()) -> None:
        self.said, answers = [text for text in said if text.strip()], list(answered)
        texts = [words_in(text) for text in others]
        spread = Counter(word for row in texts for word in set(row))
        rows = [words_in(_NOBODY.sub(" ", text)) for text in self.said]
        names = {word.casefold() for text in (*self.said, *answers) for word in _NAME.findall(text)}
        words = {word for row in (*rows, [*names]) for word in row if _tells(word)}
        few = len(others) < FEW
        most = {word: len(others) if few else NAMED if word in names else RARE for word in words}
        self.alone = {word for word in words if spread[word] <= most[word]}
        self.together = {word for word in words if spread[word] <= max(NAMED, len(others) // 20)}
        runs = {run for row in (*rows, *map(words_in, answers)) for run in _runs(row) if sum(map(_tells, run)) >= 2}
        often = Counter(run for row in texts for run in set(_runs(row)) & runs)
        self.runs = {run for run in runs if few or often[run] <= NAMED}

    @classmethod
    def only(cls, said: Iterable[str], rest: Iterable[str]) -> Words:
        """Return the words that go with what was said: those that stand nowhere in the rest."""
        words, rows = cls(said), [words_in(text) for text in rest]
        words.alone -= {word for row in rows for word in row}
        words.runs -= {run for row in rows for run in _runs(row)}
        words.together = set()
        return words

    def __bool__(self) -> bool:
        return bool(self.together or self.alone or self.runs)

    def shared(self, text: str) -> tuple[str, ...]:
        """Return what a text repeats, the longest first; nothing where it repeats nothing."""
        row = words_in(text)
        runs = [" ".join(run) for run in _runs(row) if run in self.runs]
        words = self.alone.intersection(row)
        if len(several := self.together.intersection(row)) >= MANY:
            words |= several
        return tuple(dict.fromkeys((*runs, *sorted(words, key=lambda word: (-len(word), word)))))


def _runs(row: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the words that follow each other."""
    return zip(*(row[place:] for place in range(RUN)), strict=False)


def probes(said: Iterable[str], rest: Iterable[str]) -> list[str]:
    """Return what files are searched for: words and whole lines that stand in nothing that remains.

    A line is cut where JSON would write it otherwise than it was said.
    """
    remains = "\n".join(rest).casefold()
    known = set(words_in(remains)) | vocabulary()
    found: dict[str, None] = {}
    for text in said:
        for line in re.split(r"[\x00-\x1f\"\\]+", text):
            line = line.strip()
            if len(line) >= 16 and len(words_in(line)) >= 4 and line.casefold() not in remains:
                found[line if len(line) <= LONGEST else line[:LONGEST].rpartition(" ")[0]] = None
        for word in _WORD.findall(text):
            long = len(word) >= 5 or (len(word) >= 4 and word.isdecimal()) or (len(word) >= 2 and not word.isascii())
            if long and word.casefold() not in known and not word.startswith("_"):
                found[word] = None
    return sorted(found, key=len, reverse=True)[:MOST_PROBES]


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Return the words that our own files hold whatever is said: names of fields and memories, and why things are sent.

    They are the strings in the program itself, but for those that speak of language.
    """
    from memory.catalog import load
    from memory.compare.experiment import EXPERIMENT
    from memory.preferences import Preferences
    from memory.store import NOTE, PENDING, STATE, THREAD, TRACE, TURN

    texts = [json.dumps(adapter.json_schema()) for adapter in (TURN, TRACE, STATE, NOTE, THREAD, PENDING, EXPERIMENT)]
    texts.append(json.dumps(Preferences.model_json_schema()))
    for cls in load().memories.values():
        texts += [cls.__name__, cls.short, cls.label, json.dumps(cls.Settings.model_json_schema())]
    for file in sorted(_PROGRAM.rglob("*.py")):
        if not {"demo", "formats", "commands"}.intersection(file.parts):
            texts += _strings(ast.parse(file.read_bytes()))
    texts += [file.read_text() for file in _PROGRAM.rglob("*.lua")]
    return frozenset(word for text in texts for word in words_in(text))


def _strings(tree: ast.Module) -> list[str]:
    """Return the strings of a module that are no documentation."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in told)
    return [node.value for node in strings if isinstance(node.value, str)]
