"""Answer questions that name the kind of thing they ask for, where what is stated leaves the kind out.

    >>> prompt = read_prompt([HumanMessage("I use glimp."), HumanMessage("I work at Zork in the oak team.")])
    >>> [c.text for q in ("Which editor do I use?", "Which team am I in?") for c in by_kind(parse(q), prompt)]
    ['I use glimp.', 'I work at Zork in the oak team.']

Nothing is known of words: that glimp is an editor is taken from the question. So only a few verbs say what somebody has
chosen of a kind, and only a statement that names nothing but the thing itself is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from memory.demo import words as w
from memory.demo.facts import content
from memory.demo.question import Question
from memory.demo.sentences import ASSISTANT, OF_FILE, PICTURE, USER, Clause, states

_CHOOSING = frozenset(map(w.key, ("use", "prefer", "write", "code", "program", "speak", "choose")))
"""Verbs whose object is what was chosen of a kind."""
_ALSO = {w.key("code"): w.key("program"), w.key("write"): w.key("program"), w.key("choose"): w.key("prefer")}
_WORK = frozenset(map(w.key, ("job", "occupation", "profession")))
_ASKED_WORK = (*(("'s", key) for key in sorted(_WORK)), ("do", "for", "live"))
"""What is asked of the user, in comparable words, by who wants to know what they work as."""
_PICTURES = frozenset(map(w.key, ("picture", "image", "photo", "photograph")))
_SHOWS = frozenset(map(w.key, ("show", "see", "seen", "send", "contain", "colour", "look", "describe", "mainly")))
_MOST = 4
_INTO = {"move", "join", "switch", "chang"}
_IN = {"in", "on", "at", "to", "into", "for"}


def by_kind(q: Question, prompt: Sequence[Clause]) -> list[Clause]:
    """Return what answers a question by the kind of thing that it names, or by what it offers to choose between."""
    if _PICTURES & {*q.keys, *q.head}:
        return _pictures(q, prompt)
    if q.keys[:1] != (USER,) or q.negative or len(q.keys) < 2:
        return []
    if q.kind == "yesno" and "or" in q.keys[2:]:  # "do I prefer oak or ash"
        return _of_kind(q.keys[-1:], q.keys[1], prompt, content(q.keys[2:-1]))
    if q.kind == "what" and not q.head and q.keys[1:] in _ASKED_WORK:
        return _work_of(prompt)
    if q.kind not in ("what", "which") or not q.head or {*q.keys[2:]} - {"in", "with", "now"}:
        return []
    if q.verb == "be":
        return _place_of(q.head, prompt) if q.keys[1] in w.PLACE_PREPOSITIONS else []
    return _of_kind(q.head, q.keys[1], prompt)


def _pictures(q: Question, prompt: Sequence[Clause]) -> list[Clause]:
    """Return what is told of the pictures that a question has words of; of none in particular, of all.

    A picture has the words that it came with as well.
    """
    told = dict[str, tuple[Clause, frozenset[str]]]()
    beside, over = frozenset[str](), False
    for c in prompt:
        if PICTURE.match(c.sentence):
            told[c.sentence] = c, content(c.keys) | beside
            over = True
        elif not OF_FILE.match(c.sentence):
            beside = frozenset() if c.said_by_model else content(c.keys) | (frozenset() if over else beside)
            over = False
    wanted = content([*q.keys, *q.head]) - _PICTURES - _SHOWS
    best = max((len(wanted & words) for _, words in told.values()), default=0)
    # What somebody did with a picture is not told of it.
    if not best and (q.kind not in ("what", "which", "topic") or (wanted and q.verb != "be")):
        return []
    return [c for c, words in told.values() if len(wanted & words) == best][-_MOST:]


def _of_kind(
    head: Sequence[str], verb: str, prompt: Sequence[Clause], words: frozenset[str] = frozenset()
) -> list[Clause]:
    """Return what tells which one of a kind the user has chosen; of several statements all, of an attribute the newest.

    With `words`, only what has one of them: those that a question offers to choose between.
    """
    if verb not in _CHOOSING:
        return []
    told = [c for c in prompt if states(c) and not w.NEGATIONS & {*c.keys} and (not words or words & {*c.keys})]
    if named := [c for c in told if head and _attribute(c, head, verb)]:
        return named[-1:]
    return list({c.keys: c for c in told if _chosen(c, verb)}.values())[-_MOST:]


def _place_of(head: Sequence[str], prompt: Sequence[Clause]) -> list[Clause]:
    """Return the newest statement of which one of a kind the user is in: "in the oak team"."""
    return [c for c in prompt if states(c) and _within(c, head)][-1:]


def _work_of(prompt: Sequence[Clause]) -> list[Clause]:
    """Return the newest statement of what the user works as."""
    told = [c for c in prompt if states(c) and not w.NEGATIONS & {*c.keys} and not any(map(w.is_past, c.tokens))]
    return [c for c in told if _works_as([k for k in c.keys if k not in w.FILLERS])][-1:]


def _works_as(keys: list[str]) -> bool:
    named = keys[:2] == [USER, "'s"] and keys[3:4] == ["be"] and keys[2] in _WORK
    return named or ({USER, "work", "as"} <= {*keys} and "'s" not in keys)


def _attribute(c: Clause, head: Sequence[str], verb: str) -> bool:
    """Tell whether a clause says what the user's thing of this kind is: "my editor is glimp"."""
    keys = [k for k in c.keys if k not in w.FILLERS]
    if keys[:2] != [USER, "'s"] or "be" not in keys[3:-1] or {"was", "were"} & {t.lower() for t in c.tokens}:
        return False
    own = keys[2 : keys.index("be")]
    return own[-1] == head[-1] and {*own} - {*head} <= {"prefer", verb, _ALSO.get(verb, verb)}


def _chosen(c: Clause, verb: str) -> bool:
    """Tell whether a clause says that the user has chosen a thing, and nothing else."""
    keys = [k for k, t in zip(c.keys, c.tokens, strict=True) if k not in w.LEAD_IN and t.lower() not in w.ARTICLES]
    if keys[:2] != [USER, verb] or any(t.lower() == "used" or w.is_past(t) for t in c.tokens):
        return False
    rest = keys[3:] if keys[2:3] == ["in"] else keys[2:]
    plain = not {*rest} & (w.PREPOSITIONS | w.AUX | w.SUBJECTS | w.WH | {"and", "or", USER, ASSISTANT, "'s"})
    return plain and 0 < len(rest) <= 3


def _within(c: Clause, head: Sequence[str]) -> bool:
    keys = list(c.keys)
    if USER not in keys[:3] or "'s" in keys[:3] or w.NEGATIONS & {*keys} or not {*head} <= {*keys}:
        return False
    if any(map(w.is_past, c.tokens)) and not _INTO & {*keys}:
        return False
    places = [i for i, key in enumerate(keys) if key == head[-1]]
    return any({*(t.lower() for t in c.tokens[max(0, i - 4) : i])} & _IN for i in places)
