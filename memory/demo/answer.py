"""Answer a question from the prompt's clauses, or say that they do not hold the answer.

    >>> answer("What's my name?", read_prompt([HumanMessage("My name is Orlin.")])).text
    'Your name is Orlin.'

A clause answers when it has the question's subject as its own subject, the question's verb and all its content words,
and something new of the kind that is asked for. The later clause wins; a later denial cancels an earlier statement.
Strict on purpose: somebody else's attribute, a plan, a condition and what others are said to say do not match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from memory.demo import words as w
from memory.demo.facts import content
from memory.demo.kinds import by_kind
from memory.demo.question import Question, parse
from memory.demo.sentences import ASSISTANT, NEAREST, REFUSAL, USER, Clause, core, states
from memory.demo.telling import clip, finish, say

# Whoever moved somewhere lives there, whoever joined a firm works there.
_ARRIVED = {"live": "move", "work": "join"}
# Verbs whose statements add up; of others the latest holds.
_ADDS_UP = {"like", "hate", "dislike", "speak", "know"}
_NOT_A_NAME = re.compile(r"(?:ish|ese|an|ch|ist|ing|ed)$|^\d", re.I)
_WHY = re.compile(r"\b(?:because|since|so that|in order|reason|thanks to|due to|as it|to \w+)\b", re.I)


class Answer(NamedTuple):
    """What is said, and whether the prompt held it."""

    text: str
    found: bool


class Match(NamedTuple):
    """A clause that bears on the question, whether it denies, and where its verb stands."""

    clause: Clause
    denies: bool
    at: int


def answer(question: str, prompt: Sequence[Clause], asker: str = USER) -> Answer:
    """Answer from the prompt or refuse, with the nearest sentence quoted where there is one."""
    q = parse(question)
    q = q._replace(keys=tuple(asker if k == USER else k for k in q.keys))
    if q.kind == "topic":
        good = _topic(q, prompt) or by_kind(q, prompt)
    else:
        found = _standing(q, _matches(q, prompt))
        offered = q.kind == "yesno" and "or" in q.keys[2:]
        if q.kind == "yesno" and found and not offered:
            said = say(found[-1].clause, False, asker)
            said = said[0].lower() + said[1:] if re.match(r"You", said) else said
            return Answer(f"{'No' if found[-1].denies != q.negative else 'Yes'}: {said}", True)
        good = [m.clause for m in found if m.denies == q.negative and _fits(q, m)]
        if q.kind == "where":
            good = _placed(good)
        if q.keys[-1:] and q.keys[-1] in w.PREPOSITIONS:  # "what do I work on"
            good = [c for c in good if q.keys[-1] in c.keys] or good
        adds_up = q.verb == "do" and not q.head and q.kind == "what" and _ADDS_UP & {*q.keys}
        good = good[-4 if adds_up else -1 :] or by_kind(q, prompt)
    if good:
        lines = [say(c, q.kind == "topic", asker, dated=q.kind == "when") for c in good]
        return Answer(" ".join(dict.fromkeys(lines)), True)
    near = _nearest(q, prompt)
    return Answer(f'{REFUSAL} {NEAREST} "{finish(clip(near.sentence))}"' if near else REFUSAL, False)


def _placed(found: list[Clause]) -> list[Clause]:
    """Return those that tell best where: "works at Zork" rather than "works in the oak team" or "works with Ulla"."""
    for places in ({"at", "join", "for"}, w.PLACE_PREPOSITIONS - {"on"}, w.PLACE_PREPOSITIONS):
        if best := [c for c in found if places & {*c.keys, *(t.lower() for t in c.tokens)}]:
            return best
    return found


def _matches(q: Question, prompt: Sequence[Clause]) -> list[Match]:
    needed = content(q.keys) - {"name", *_ARRIVED}
    out = []
    for c in prompt:
        # At least one of the content words must be there before anything is looked at closely.
        if (not needed or needed & {*c.keys}) and states(c):
            out += list(_with_subject(q, c) if q.verb else _as_subject(q, c))[:1]
    return out


def _standing(q: Question, found: list[Match]) -> list[Match]:
    """Drop what a later clause denies; the user's own words come before a model's."""
    denials = [(d.clause.order, content(d.clause.keys) - {*q.keys, "longer"}) for d in found if d.denies]

    def denied(m: Match) -> bool:
        return any(order > m.clause.order and (not v or v & {*m.clause.keys}) for order, v in denials)

    return sorted((m for m in found if not denied(m)), key=lambda m: (not m.clause.said_by_model, m.clause.order))


def _with_subject(q: Question, c: Clause) -> Iterator[Match]:
    """Match a clause in which the question's subject does what is asked: same subject, same verb, same words."""
    wanted = core(q.keys)
    for p, k in enumerate(c.keys):
        if q.verb == "be" and k == "be":
            for i in range(len(wanted), 0, -1):
                rest, right = content(wanted[i:]) or {*wanted[i:]}, c.keys[p + 1 :]
                fits = rest <= {*right} and "'s" not in wanted[i - 1 : i + 1] and _tense_fits(q, c, p)
                if fits and _subject_is(c, p, wanted[:i], q):
                    yield Match(c, _denied(c, p), p)
            if core(c.keys[p + 1 :]) == wanted and content(c.keys[:p]) and _tense_fits(q, c, p):
                yield Match(c, _denied(c, p), p)  # "Orlin is my name"
        elif q.verb == "do" and k != "be":
            for i in range(1, len(wanted)):
                arrived = q.kind == "where" and not wanted[i + 1 :] and k == _ARRIVED.get(wanted[i])
                if arrived:
                    arrived = w.is_past(c.tokens[p]) and (k != "move" or bool({"to", "into"} & {*c.keys[p:]}))
                if not (k == wanted[i] or arrived) or "'s" in wanted[i - 1 : i + 1]:
                    continue
                fits = arrived or _tense_fits(q, c, p)
                if fits and content(wanted[i + 1 :]) <= {*c.keys} and _subject_is(c, p, wanted[:i], q):
                    yield Match(c, _denied(c, p), p)


def _as_subject(q: Question, c: Clause) -> Iterator[Match]:
    """Match a clause in which somebody does what is asked: "who lives in …"."""
    wanted = [k for k in q.keys if k not in w.WEAK or w.is_number(k)]
    if not wanted or q.keys[0] != wanted[0] or not {*wanted} <= {*c.keys}:
        return
    order = [c.keys.index(k) for k in wanted]
    if order[0] and order == sorted(order) and not {USER, ASSISTANT} & {*q.keys} - {*c.keys}:
        yield Match(c, _denied(c, order[0]), order[0])


def _left(c: Clause, p: int) -> int:
    """Return where the adverbs, negations and auxiliaries before the verb begin."""
    while p and (
        c.keys[p - 1] in w.ADVERBS | w.NEGATIONS | {"be", "have", "do", "no", "longer"}
        or c.tokens[p - 1].lower() in w.AUX
    ):
        p -= 1
    return p


def _denied(c: Clause, p: int) -> bool:
    near = {*c.keys[_left(c, p) : p], *c.keys[p + 1 : p + 3]}
    return bool(near & w.NEGATIONS) or "longer" in near or "no" in near


def _tense_fits(q: Question, c: Clause, p: int) -> bool:
    """Tell whether a statement holds for the time asked about: no past for a present, no plan for a deed."""
    start, verb, is_be = _left(c, p), c.tokens[p].lower(), c.keys[p] == "be"
    helpers = {t.lower() for t in c.tokens[start:p]} & (w.AUX | {"’ll"})
    planned = helpers & {"will", "'ll", "’ll", "shall", "should"}
    past = verb in ("was", "were") if is_be else w.is_past(verb) and not helpers and verb not in w.NO_TENSE
    past = past or bool(helpers & {"was", "were", "did", "had"})
    if q.present:
        # The verb may stand before: of "Ulla liked tea" the last word is none.
        return not past and not planned and (is_be or not any(map(w.is_past, c.tokens[:start])))
    return q.present is None or (not planned and (past or bool(helpers) or verb in w.NO_TENSE or verb[-3:] == "ing"))


def _subject_is(c: Clause, p: int, subject: list[str], q: Question) -> bool:
    """Tell whether the verb at `p` has just this subject."""
    end = _left(c, p)
    left = _without_lead(c, end)
    n = len(left) - len(subject)
    if left[-1:] in (["and"], ["but"]):  # "I live here and work there"
        return left[: len(subject)] == subject and left[len(subject) : len(subject) + 1] not in (["'s"], ["and"])
    if q.verb == "be" and subject[-2:] == ["'s", "name"]:
        owner = subject[:-2]
        introduced = (owner == [USER] or "'s" in owner) and _introduces(c, p)
        if left == owner and (c.keys[p + 1 : p + 2] == ("name",) or introduced):
            return True
        if introduced and _behind_a_name(c, left, owner):
            return True
    if left == subject or (q.kind == "who" and left == [*subject, "'s", "name"]):
        return True
    if n < 1 or not end:
        return False
    named = c.tokens[end - 1][:1].isupper() and left[-1] not in (USER, ASSISTANT)
    if named and (
        left[:-1] == subject or (left[-1:] == subject and left[-2] not in ("'s", "of", "and", *w.PREPOSITIONS))
    ):
        return True  # "my daughter Ann plays": both of my daughter and of Ann
    if _behind_a_name(c, left, subject):
        return True
    # "Since last summer my favourite … is": a phrase of time may come first.
    first = left[0] in w.PREPOSITIONS or w.TIME.search(" ".join(c.tokens[:end]))
    return bool(first) and left[n:] == subject and left[n - 1] not in ("'s", "of", "and", *w.PREPOSITIONS)


def _behind_a_name(c: Clause, left: list[str], subject: list[str]) -> bool:
    """Tell whether a subject is what a name with words before it owns: "my daughter Ann's hen" is Ann's hen."""
    n = len(left) - len(subject)
    if n < 1 or subject[1:2] != ["'s"] or left[n:] != subject or left[n - 1] in ("'s", "of", "and", *w.PREPOSITIONS):
        return False
    return any(t[:1].isupper() and k == subject[0] for t, k in zip(c.tokens, c.keys, strict=True))


def _without_lead(c: Clause, end: int) -> list[str]:
    """Return the keys up to `end`, without greetings and "I told you that"."""
    i = 3 if c.keys[:3] == ("by", "the", "way") else 0
    while i < end:
        if c.keys[i] in w.LEAD_IN or c.keys[i] == "that":
            i += 1
        elif c.keys[i] == c.speaker and i + 1 < end and c.tokens[i + 1].lower() in w.REPORTING | {"know", "mean"}:
            i += 2 + (c.keys[i + 2 : i + 3] == (ASSISTANT,))
        else:
            break
    return core(c.keys[i:end])


def _introduces(c: Clause, p: int) -> bool:
    """Tell whether "I am" is followed by a name: capitals only, no people's or trade's ending, nothing after it."""
    after = [t for t in c.tokens[p + 1 :] if t]
    names = [t for t in after[:3] if t[:1].isupper()]
    if not names or names != after[: len(names)] or any(_NOT_A_NAME.search(t) for t in names):
        return False
    return len(after) == len(names) or after[len(names)].lower() in ("and", "from", "by")


def _fits(q: Question, m: Match) -> bool:
    """Tell whether a clause holds something new of the kind that is asked for: a place, a time, a number, a name."""
    c, asked = m.clause, {*q.keys, *q.head, USER, ASSISTANT, m.clause.speaker}
    new = [t for t, k in zip(c.tokens, c.keys, strict=True) if t and k in content(c.keys) - asked]
    if not {*q.head} <= {*c.keys} or not (new or c.date):
        return False
    if q.kind == "where":
        if c.keys[m.at] == "join":
            return True
        places = w.PLACE_PREPOSITIONS | ({"for", "with"} if "work" in q.keys else set())
        after = [i for i, t in enumerate(c.tokens) if t.lower() in places and not asked & {*c.keys[i + 1 : i + 2]}]
        return any({*new} & {*w.TIME.sub("", " ".join(c.tokens[i + 1 :])).split()} for i in after)
    if q.kind == "when":
        return bool(w.TIME.search(c.text) or (c.date and w.is_past(c.tokens[m.at])))
    if q.kind == "who":
        return any(t[:1].isupper() for t in new) or (q.verb == "" and USER in c.keys[: m.at])
    if q.kind == "why":
        return bool(_WHY.search(c.text))
    return bool(new) and (_counts(q, c) if q.unit else q.kind != "how" or bool(q.head))


def _counts(q: Question, c: Clause) -> bool:
    """Tell whether a number stands there with what it is to count: the thing asked for, years of age, no time."""
    for j, token in enumerate(c.tokens):
        near = c.keys[j + 1 : j + 4]
        if w.is_number(token) or (token.lower() in w.ARTICLES and q.unit == "many" and near[:1] == q.head[-1:]):
            old = not near or near[0] in ("year", "and", "now")
            fits = {"old": old, "many": {*q.head[-1:]} <= {*near}, "much": not {*near[:2]} & w.UNITS}
            if fits[q.unit]:
                return True
    return False


def _topic(q: Question, prompt: Sequence[Clause]) -> list[Clause]:
    """Return the sentences that tell of a thing, the user's rather than the model's."""
    wanted = {k for k in q.keys if k not in w.WEAK or k == USER} - {"'s"}
    hits = [c for c in prompt if wanted <= {*c.keys} and content(c.keys) - wanted and states(c)]
    hits = [c for c in hits if not c.said_by_model] or hits
    return list({c.sentence: c for c in hits}.values())[-5:] if wanted - {ASSISTANT} else []


def _nearest(q: Question, prompt: Sequence[Clause]) -> Clause | None:
    """Return the clause that shares most content words with the question, the later of equals."""
    wanted = content([*q.keys, *q.head])
    shared = [(len(wanted & {*c.keys}), c.order, c) for c in prompt if not c.said_by_model]
    best = max(shared, key=lambda s: s[:2], default=None)
    return best[2] if best and best[0] else None
