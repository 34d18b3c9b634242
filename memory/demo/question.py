"""Read a question as the user asks it: what is asked for, of whom, and in which words.

    >>> parse("Where does Orlin live now?")
    Question(kind='where', head=(), verb='do', present=True, keys=('orlin', 'live'), ...)

By function words and word order only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from memory.demo import words as w
from memory.demo.sentences import ASSISTANT, USER, keys_of

_POLITE = re.compile(
    r"^(?:(?:hi|hello|hey|so|and|but|ok|okay|well|now|please|sorry|also|then|thanks|wait|hmm|oh|quick question)\b"
    r"[\s,!.:]*)+",
    re.I,
)
EMBEDDED = re.compile(
    r"^(?:(?:do|did|can|could|would|will)\s+you\s+(?:(?:still|please|even|happen\s+to|maybe)\s+)*"
    r"(?:remember|recall|know|tell\s+me|remind\s+me|say)|(?:please\s+)?(?:tell|remind)\s+me|i\s+(?:forgot|forget|wonder)"
    r"|any\s+idea)(?:\s+again)?[\s,:]+(?P<that>(?:if|whether|that)\s+)?",
    re.I,
)
_ABOUT = re.compile(
    r"^(?:what|anything|something|everything)?\s*(?:(?:do|did|can|have|else)\s+)*(?:you|i|we)?\s*(?:still\s+)?"
    r"(?:remember|know|recall|say|said|tell|told|have|talk(?:ed)?)?\s*(?:you|me)?\s*\babout\s+(?P<topic>.+)$",
    re.I,
)
ORDER = re.compile(r"^(?:please\s+)?(?:describe|explain|tell\s+me|talk|teach\s+me)\s+(?:about\s+)?(?P<topic>.+)$", re.I)


class Question(NamedTuple):
    """What is asked, in comparable words."""

    kind: str  # the question word, "number", "yesno" or "topic"
    head: tuple[str, ...]  # "colour" in "which colour …"
    verb: str  # "be", "do" for any other verb, "" where the question word is itself the subject
    present: bool | None  # None where the question does not say
    keys: tuple[str, ...]
    negative: bool = False
    unit: str = ""  # "old" in "how old …"


def parse(text: str) -> Question:
    """Read a question as the user asks it; anything that is no question becomes a topic."""
    text = _POLITE.sub("", text.strip()).strip(" ?!.\"'")
    embedded = EMBEDDED.match(text)
    rest = text[embedded.end() :] if embedded else text
    about = _ABOUT.match(rest) or (None if embedded else ORDER.match(rest))
    pairs = keys_of(about["topic"] if about else rest, USER, ASSISTANT)
    words, keys = [p[0].lower() for p in pairs], [p[1] for p in pairs]
    if len(words) > 1 and words[0] in w.PREPOSITIONS and words[1] in w.WH:
        words, keys = words[1:], keys[1:]
    if about or not words:
        return Question("topic", (), "", None, _clean(keys))
    if words[0] in w.WH:
        return _wh(words, keys)
    if words[0] in w.AUX and len(words) > 1:
        negative = bool(w.NEGATIONS & set(words[1:3]))
        return Question("yesno", (), "be" if words[0] in w.BE else "do", _present(words[0]), _clean(keys[1:]), negative)
    if embedded and embedded["that"]:
        return Question("yesno", (), "be" if "be" in keys else "do", None, _clean(k for k in keys if k != "be"))
    if embedded and keys != [USER]:
        return Question("what", (), "be", None, _clean(keys))
    return Question("topic", (), "", None, _clean(keys))


def _clean(keys: Iterable[str]) -> tuple[str, ...]:
    out = [k for k in keys if k not in w.FILLERS and k not in w.NEGATIONS and k not in ("else", "then")]
    # "What is my cat called" asks for my cat's name.
    called = len(out) > 1 and out[-1] == "name" and out[-2] != "'s" and "of" not in out
    return tuple([*out[:-1], "'s", "name"] if called else out)


def _present(aux: str) -> bool | None:
    return True if aux in ("do", "does", "is", "are", "am", "'s", "’s", "'m", "'re") else (
        False if aux in ("did", "was", "were") else None
    )  # fmt: skip


def _wh(words: list[str], keys: list[str]) -> Question:
    kind, at, unit = "who" if words[0] == "whose" else words[0], 1, ""
    if kind == "how" and words[1:2] and words[1] in ("old", "much", "many"):
        kind, at, unit = "number", 2, words[1]
    if words[at : at + 2] in (["kind", "of"], ["type", "of"], ["sort", "of"]):
        at += 2
    # A form of "to be" hides in the clitic of "what's".
    is_aux = [word in w.AUX or (key == "be" and word in ("'s", "’s")) for word, key in zip(words, keys, strict=True)]
    aux = next((i for i in range(at, min(at + 6, len(words))) if is_aux[i]), None)
    noun = next((i for i in range(at, len(words)) if words[i] in w.SUBJECTS | w.POSSESSIVES | w.ARTICLES), None)
    head, verb, present, rest = list[str](), "", None, keys[at:]
    if aux is not None and (noun is None or aux < noun):
        head, verb, present, rest = (
            keys[at:aux],
            "be" if keys[aux] == "be" else "do",
            _present(words[aux]),
            keys[aux + 1 :],
        )
        if not _clean(rest):  # "who the captain is": no inversion
            head, rest = [], keys[at:aux]
    elif noun is not None and keys[-1] == "be":  # "what my name is"
        head, verb, present, rest = keys[at:noun], "be", _present(words[-1]), keys[noun:-1]
    elif noun is not None and words[noun] in w.SUBJECTS:  # "where I live"
        head, verb, rest = keys[at:noun], "do", keys[noun:]
        present = not any(map(w.is_past, words[noun : noun + 2]))
        if rest[1:2] == ["be"]:
            verb, rest = "be", [rest[0], *rest[2:]]
    head = [k for k in head if k not in w.WEAK or w.is_number(k)]
    if kind in ("what", "which") and head:  # "in which town", "on what day"
        nouns = {w.key(n): "where" for n in w.WHERE_NOUNS} | {w.key(n): "when" for n in w.WHEN_NOUNS}
        if head[-1] in nouns:
            kind, head = nouns[head[-1]], head[:-1]
    asked = _clean(rest)
    if kind == "who" and asked == (USER,):
        kind, asked = "what", (USER, "'s", "name")
    return Question(kind, tuple(head), verb, present, asked, bool(w.NEGATIONS & {*words}), unit)
