"""Take coordinated predicates apart: "Orlin moved to Odrin and works at Zork" is two statements of Orlin.

    >>> from memory.demo.sentences import TOKEN
    >>> text = "Orlin moved to Odrin and works at Zork with oak and pine"
    >>> apart(text, list(TOKEN.finditer(text)))
    ['Orlin moved to Odrin', 'Orlin works at Zork with oak and pine']

By endings and function words only. Where "and" may as well join two things ("tea and rolls with jam"), or where the
second verb may hang on a helper, a denial or somebody else's clause, the text stays whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from memory.demo import words as w

_HELPERS = w.BE - {"be", "been", "being"} | {"do", "does", "did", "have", "has", "had", "'ve"}
_BREAKS = w.SUBJECTS | w.WH | w.HYPOTHETICAL | w.REPORTING | w.MODALS | {"that", "because", "so", "let"}
_MAX_SUBJECT = 6  # words
_WORK = re.compile(r"(?is)^(?P<who>(?:I|we)(?: now| currently)?) work (?P<rest>(?:at|for|in|on|as) .+)$")
_FOCUS = r"(?:and (?:I )?)?(?:with an? focus on|(?:focus|specialis|specializ)(?:e|ing)? (?:on|in))"
_FOCUSES = re.compile(rf"(?i),?\s+{_FOCUS} ")
_WORK_END = re.compile(r"(?i),?\s+(?=(?:at|for|in|on|as)\s)")
_PLACE = re.compile(r"(?:at|for|in|on|as) (?:(?:an?|the|my|our) .+|[A-Z].*)", re.DOTALL)
# Prepositions that follow a verb rather than a thing.
_OF_VERBS = {"at", "as", "to", "into"}


def apart(text: str, found: Sequence[re.Match[str]]) -> list[str]:
    """Return the statements of one clause, each with its subject; `found` are the clause's words as matches."""
    words = [m[0].replace("’", "'") for m in found]
    low = [t.lower() for t in words]
    if not {"and", "but"} & {*low[2:-1]}:
        return [text]
    verb = _first_verb(words, low)
    if not verb:
        return [text]
    after = verb
    while after < len(low) and low[after] in w.AUX | w.ADVERBS | w.NEGATIONS:
        after += 1
    hangs = after > verb and bool({*low[verb:after]} & (w.AUX | w.NEGATIONS))
    subject, out, start = text[: found[verb - 1].end()], list[str](), 0
    for i in range(after + 1, len(low) - 1):
        if low[i] in _BREAKS or (w.is_past(low[i]) and low[i - 1] not in ("and", "but", *w.ADVERBS, "then")):
            break  # from here on somebody else may be the one who acts
        if low[i] in ("and", "but") and _continues(words, low, i, hangs):
            out.append(text[start : found[i].start()].rstrip(" ,"))
            start = found[i].end()
    out.append(text[start:])
    return [out[0], *(f"{subject} {part.strip()}" for part in out[1:])]


def _first_verb(words: Sequence[str], low: Sequence[str]) -> int:
    """Return where the verb of a plain subject stands; 0 if that cannot be told."""
    for i, t in enumerate(low[: _MAX_SUBJECT + 1]):
        if i and low[i - 1] in w.SUBJECTS:
            return i if t not in w.MODALS else 0
        if t in w.PREPOSITIONS or (t in _BREAKS and t not in w.SUBJECTS):
            return 0
        determined = i and low[i - 1] in w.ARTICLES | w.POSSESSIVES | w.LEAD_IN
        if i and not determined and words[i][:1].islower() and (t in _HELPERS or w.is_past(t) or _ends_as_verb(t)):
            return i
    return 0


def _ends_as_verb(word: str) -> bool:
    return len(word) > 3 and word[-1:] == "s" and word[-2:] not in ("ss", "us", "is") and word not in w.WEAK


def _continues(words: Sequence[str], low: Sequence[str], joint: int, hangs: bool) -> bool:
    """Tell whether a second predicate of the same subject begins behind "and"."""
    i = joint + 1
    while i < len(low) - 1 and low[i] in w.ADVERBS | {"then"}:
        i += 1
    if i >= len(low) - 1 or not words[i][:1].islower():
        return False
    if low[i] in _HELPERS:
        return True
    if w.is_past(low[i]):
        return not hangs
    following, rest = low[i + 1], " ".join(words[i + 1 : i + 4])
    if not _ends_as_verb(low[i]) or following in _BREAKS | {"and", "or", "but", "of"} or w.TIME.match(rest):
        return False
    before = " ".join(words[max(0, joint - 2) : joint])
    closed = words[joint - 1][:1].isupper() or any(m.end() == len(before) for m in w.TIME.finditer(before))
    if closed or i > joint + 1:
        return True
    if following in _OF_VERBS:  # "cats and dogs at home", "tea and rolls at noon"
        return not _ends_as_verb(low[joint - 1]) and not w.TIME.search(rest)
    return following not in w.PREPOSITIONS | w.ADVERBS


def workplaces(text: str) -> list[str]:
    """Return what the user says of their work as a statement for each place; any other text by itself.

    >>> workplaces("I work at Zork in the Oak team, focusing on herons.")
    ['I work at Zork', 'I work in the Oak team', 'I focus on herons.']
    """
    said = _WORK.match(text)
    if not said:
        return [text]
    places, *focus = _FOCUSES.split(said["rest"], maxsplit=1)
    parts: list[str] = []
    for part in _WORK_END.split(places):
        if not parts or (_PLACE.match(part) and not w.TIME.search(part)):
            parts.append(f"{said['who']} work {part}")
        else:
            parts[-1] += f" {part}"
    return [*parts, *(f"{said['who']} focus on {one}" for one in focus)]
