"""What statements say as relations, which of them are worth keeping, and which later one replaces which earlier one.

>>> [r[:3] for r in relations(clauses("Orlin works at Zork with Ulla.", "user", "assistant")[0])]
[('Orlin', 'works at', 'Zork'), ('Orlin', 'works with', 'Ulla')]

By position and capitals only: a subject is "I", "my …", "Orlin" or "Orlin's …"; the word after it is the verb.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from memory.demo import words as w
from memory.demo.sentences import ASSISTANT, TOKEN, USER, Clause, clauses, core, split, states
from memory.demo.telling import PLEASANTRY, third, told

# Relations of which one holds at a time, and the state that they speak of.
_ONE_AT_A_TIME = {"live in": "live", "move to": "live", "work at": "work", "work for": "work", "join": "work"}
# "user's sister Ulla": somebody's somebody, and the name.
_APPOSED = re.compile(r"([\w' -]+?)'s ([a-z][\w-]*(?: [a-z][\w-]*)?) ([A-Z][\w'-]*(?: [A-Z][\w'-]*)*)")
_OWN = re.compile(r"(.+)'s ([a-z][\w-]*(?: [a-z][\w-]*)*)")
_HELPERS = {"'m": "is", "am": "is", "'s": "is", "'re": "are", "'ve": "has", "have": "has", "'ll": "will", "'d": "would"}
_VAGUE = w.SECOND | w.SUBJECTS | frozenset(("it", "him", "her", "them", "his", "its", "their", "this", "that", "these"))
# First words that are no names though a verb follows.
_NOUN = re.compile(r"(?i)(?:ing|tion|ness|ment|ity|ship|ism)$")
_VALUE_END = re.compile(r"\s*(?:[.!?…]+\s*$|,\s*(?:nice|pleased|please|thanks|thank|too|by the way)\b.*$)", re.I)


class Relation(NamedTuple):
    """Subject, predicate and object as written; the user is "user"."""

    subject: str
    predicate: str
    object: str
    state: str  # of two relations of one subject in one state, the later replaces the earlier; empty: both hold
    denies: bool


@lru_cache(maxsize=5_000)
def relations(c: Clause) -> tuple[Relation, ...]:
    """Return the relations that a clause states: one for each object, none if it cannot be told."""
    end = _subject_end(c)
    if not end or end >= len(c.tokens) or not states(c):
        return ()
    denies = bool(w.NEGATIONS & {*c.keys} or "longer" in c.keys)
    subject = _words(c, 0, end)
    right = core(c.keys[end + 1 :])
    if c.keys[end] == "be" and "'s" in c.keys[:end]:  # "Ulla's cat is …"
        at = max(i for i in range(end) if c.keys[i] == "'s")
        owner, predicate = _words(c, 0, at), _words(c, at + 1, end)
        return (Relation(owner, predicate, _after(c, end), f"{w.key(predicate)} is", denies),)
    if c.keys[end] == "be" and right[:2] == [USER, "'s"] and "'s" not in right[2:]:  # "… is my name"
        predicate = _words(c, len(c.keys) - len(right) + 2, len(c.keys))
        return (Relation("user", predicate, subject, f"{w.key(predicate)} is", denies),)
    return tuple(_objects(c, subject, end, denies))


def _subject_end(c: Clause) -> int:
    """Return where the clause's subject ends; 0 if that cannot be told."""
    i = 0
    while i < len(c.tokens) and (c.keys[i] in w.LEAD_IN or c.tokens[i].lower() in w.ARTICLES | {"that"}):
        i += 1
    start = i
    if (c.keys[i : i + 1] == (USER,) or _is_i(c, i)) and c.keys[i + 1 : i + 2] != ("'s",):
        return i + 1
    if c.keys[i + 1 : i + 2] == ("'s",):
        i += 3
        while i < len(c.tokens) and not _is_verb(c, i):
            i += 1
        return i
    while i < len(c.tokens) and (_is_name(c, i) or (i > start and c.keys[i] == "and" and _is_name(c, i + 1))):
        i += 1
    return i if start < i < len(c.tokens) and (_is_verb(c, i) or "and" in c.keys[start:i]) else 0


def _is_i(c: Clause, i: int) -> bool:
    """Tell whether a speaker with a name of their own says "I"."""
    return bool(c.name) and i < len(c.tokens) and c.tokens[i].lower() in ("i", "we")


def _is_name(c: Clause, i: int) -> bool:
    return i < len(c.tokens) and c.tokens[i][:1].isupper() and c.tokens[i].lower() not in w.WEAK


def _is_verb(c: Clause, i: int) -> bool:
    low = c.tokens[i].lower()
    if c.keys[i] == "name":
        return False  # "my cat called …"
    return c.keys[i] == "be" or low in w.AUX or w.is_past(low) or (low[-1:] == "s" and low[-2:] not in ("ss", "'s"))


def _objects(c: Clause, subject: str, end: int, denies: bool) -> Iterable[Relation]:
    skipped, verb = w.ADVERBS | w.AUX | w.NEGATIONS | {"no", "longer"}, end
    while verb < len(c.tokens) - 1 and c.tokens[verb].lower() in skipped:
        following = c.tokens[verb + 1]
        if following.lower() in w.ARTICLES or (
            c.keys[verb] == "be" and following not in skipped and not re.search("(?:ing|ed|en)$", following)
        ):
            break
        verb += 1
    word = {"'m": "is", "am": "is", "'re": "are", "'s": "is", "'ve": "has"}.get(c.tokens[verb].lower(), c.tokens[verb])
    # "The user works" is in the third person already.
    first = subject == "user" and c.tokens[end - 1].lower() != "user"
    word = third(word) if (first or _is_i(c, end - 1)) and verb == end else word
    predicate, start = word, verb + 1
    if (w.SUBJECTS | {"who", "which", "that"}) & {t.lower() for t in c.tokens[start:]}:
        return  # a clause within the clause
    for i in range(verb + 1, len(c.tokens) + 1):
        preposition = c.tokens[i].lower() if i < len(c.tokens) else "to"
        if preposition in w.PREPOSITIONS - {"of"}:
            if i > start:
                key = " ".join([c.keys[verb], *predicate.split()[1:2]])
                yield Relation(subject, predicate, _words(c, start, i), _ONE_AT_A_TIME.get(key, ""), denies)
            predicate, start = f"{word} {preposition}", i + 1


def _words(c: Clause, start: int, end: int) -> str:
    """Return the words between two places, articles and lead-ins before them apart; the user's own as "user's"."""
    while start < end - 1 and (c.keys[start] in w.LEAD_IN or c.tokens[start].lower() in w.ARTICLES | {"that"}):
        start += 1
    pairs = zip(c.tokens[start:end], c.keys[start:end], strict=True)
    words = (USER if k == USER else c.name if c.name and t.lower() in w.FIRST else t or k for t, k in pairs)
    return re.sub(r" (['’])", r"\1", " ".join(words))


def _after(c: Clause, p: int) -> str:
    """Return the clause's text after the word at `p`."""
    spans = [m.end() for m in TOKEN.finditer(c.text)]
    text = c.text[spans[sum(bool(t) for t in c.tokens[: p + 1]) - 1] :]
    return re.sub(r"^(?:(?:an?|the|also|really|now|just|currently)\s+)+", "", _VALUE_END.sub("", text).strip(" :,"))


def triples(c: Clause) -> Iterator[tuple[str, str, str]]:
    """Yield a clause's relations so that each reads as a sentence, and who is meant by "my sister Ulla".

    >>> list(triples(clauses("My sister Ulla's hen is Mog.", "user", "assistant")[0]))
    [('user', 'sister is', 'Ulla'), ('Ulla', 'hen is', 'Mog')]
    """
    people = {USER, *names(c)} | ({c.name} if c.name else set())
    past = {"was", "were"} & {t.lower() for t in c.tokens}
    for r in relations(c):
        if r.denies or not all(r[:3]):
            continue
        predicate = f"{r.predicate} {'was' if past else 'is'}" if r.state.endswith(" is") else _helped(c, r.predicate)
        own = _OWN.fullmatch(r.subject)
        if own and w.key(r.predicate) == "name":  # "my hen is called Mog"
            r, predicate = r._replace(subject=own[1]), f"{own[2]} {predicate.split()[-1]}"
        elif w.key(r.predicate) == "name":
            predicate = f"name {predicate.split()[-1]}"
        ends = []
        for end in (r.subject, r.object):
            named = _APPOSED.fullmatch(end)
            if named:
                yield named[1], f"{named[2]} is", named[3]
            ends.append(re.sub(r"\b[Mm]y\b", f"{c.name or USER}'s", named[3] if named else end))
        if r.subject in (USER, c.name):
            predicate = re.sub(r"^are\b", "is", predicate)  # "we are" is told of the one who says it
        subjects = ends[0].split(" and ")
        if subjects[0].partition("'s ")[0] not in people or any(w.key(e.split()[0]) in _VAGUE for e in ends):
            continue
        for subject in subjects:
            if subject.lower() == ends[1].lower():
                continue  # nothing is told of anybody by themselves
            yield subject, predicate if subjects[1:] == [] else _of_one(predicate), ends[1]


def _of_one(predicate: str) -> str:
    """Give a predicate of several the form that fits one of them: "are building" → "is building"."""
    verb, _, rest = predicate.partition(" ")
    return f"{'is' if verb == 'are' else third(verb)} {rest}".rstrip()


def _helped(c: Clause, predicate: str) -> str:
    """Put the auxiliary back before a verb that cannot stand without it: "is building"."""
    verb = predicate.split()[0]
    at = next((i for i, t in enumerate(c.tokens) if t == verb and i), 0)
    helper = c.tokens[at - 1].lower().replace("’", "'") if at else ""
    if helper not in w.AUX or c.keys[at - 1] == "do":
        return predicate
    return f"{_HELPERS.get(helper, helper)} {predicate}"


def names(c: Clause, known: Collection[str] = ()) -> dict[str, int]:
    """Return the capitalised names of a clause and where each begins.

    A first word has a capital anyway: it is a name if it is among the `known` ones or a verb follows.
    """
    found, run = dict[str, int](), list[str]()
    for i, t in enumerate((*c.tokens, ".")):
        plain = i == 0 and t not in known and not _begins_with_name(c)
        if t[:1].isupper() and not plain and len(t) > 1 and t.lower() not in w.WEAK and not w.TIME.fullmatch(t):
            run.append(t)
        elif run:
            found.setdefault(" ".join(run), i - len(run))
            run = []
    return found


def _begins_with_name(c: Clause) -> bool:
    """Tell whether the first word, which has a capital anyway, stands as a name does: before a verb, as one of many."""
    first, second = c.tokens[0], c.tokens[1].lower() if len(c.tokens) > 1 else ""
    if not second or w.is_number(first) or _NOUN.search(first) or re.match(r"\W*\w+,", c.text):
        return False
    several = first.endswith("s") and second in ("are", "were", "have", "do")
    return not several and second not in ("be", "been") and (_is_verb(c, 1) or c.keys[1] in ("'s", "and"))


def resolved(c: Clause, earlier: Clause) -> str:
    """Return a clause's text with the name for which its "he", "she" or "they" stands, if the clause before tells it.

    >>> here = clauses("Orlin works at Zork with Ulla. They bake bread.", "user", "assistant")
    >>> resolved(here[1], here[0])
    'Orlin and Ulla bake bread.'
    """
    first = c.tokens[0].lower()
    if first not in ("he", "she", "they"):
        return c.text
    named, end = names(earlier), _subject_end(earlier)
    acting = [name for name, at in named.items() if at < end]
    beside = [name for name, at in named.items() if at and earlier.keys[at - 1] in ("with", "and")]
    meant = list(dict.fromkeys([*acting, *beside])) if first == "they" else acting[:1] or list(named)
    if len(meant) < 2 if first == "they" else len(meant) != 1:
        return c.text
    return f"{' and '.join(meant)}{c.text[len(first) :]}"


def entities(facts: Iterable[Clause], known: Mapping[str, str] | None = None, user: bool = False) -> dict[str, str]:
    """Return each capitalised name with a note: what the sentences tell of it, in the third person.

    `known` are the notes so far, which go on in the new ones as far as they still hold; with `user`, the user has one.
    """
    facts, notes = list(facts), dict[str, list[str]]()
    inner = {t for c in facts for i, t in enumerate(c.tokens) if i and t[:1].isupper()}
    for c in facts:
        named = names(c, inner)
        about = [c.name or "the user"] if c.speaker in c.keys[:3] and (c.name or user) else []
        if about or content(c.keys) - {w.key(word) for name in named for word in name.split()}:
            for name in (*about, *named):
                notes.setdefault(name, []).append(told(c.text, c.name))
    old = {name.lower(): note for name, note in (known or {}).items()}
    return {name: _rewritten(old.get(name.lower(), ""), said) for name, said in notes.items()}


def _rewritten(note: str, said: Iterable[str]) -> str:
    """Add sentences to a note; what it says already is not said again, and what they replace goes."""
    first = [c[0] for s in (*split(note), *dict.fromkeys(said)) if (c := clauses(s, USER, ASSISTANT))]
    return " ".join(dict.fromkeys(c.sentence for c in latest(first)))


def content(keys: Iterable[str]) -> frozenset[str]:
    """Return the keys that tell something by themselves."""
    return frozenset(k for k in keys if (k not in w.WEAK or w.is_number(k)) and k not in (USER, ASSISTANT))


def replaces(later: Clause, earlier: Clause) -> bool:
    """Tell whether the later statement contradicts the earlier one."""
    new, old = next(iter(relations(later)), None), next(iter(relations(earlier)), None)
    if new and old and new.subject == old.subject and new.state and new.state == old.state:
        return (new.object == old.object) == new.denies
    mine, theirs = content(later.keys), content(earlier.keys)
    negated = bool(w.NEGATIONS & {*later.keys}) != bool(w.NEGATIONS & {*earlier.keys})
    return negated and len(theirs) > 1 and mine == theirs


def repeats(c: Clause, other: Clause) -> bool:
    """Tell whether a clause says nothing that the other does not say."""
    mine = c.keys[:1] == other.keys[:1] or (USER in c.keys and USER in other.keys)
    return mine and content(c.keys) <= content(other.keys)


def latest(facts: Iterable[Clause]) -> list[Clause]:
    """Return the statements without repetitions and without those that a later one replaces."""
    out: list[Clause] = []
    for c in facts:
        if not any(repeats(c, o) and not replaces(c, o) and c.speaker == o.speaker for o in out):
            out = [*(o for o in out if not replaces(c, o)), c]
    return out


def weight(c: Clause) -> int:
    """Weigh how much a statement tells: names, numbers, attributes, wishes; 0 for what need not be kept."""
    personal = USER in c.keys[:3]
    if PLEASANTRY.match(c.sentence) or not states(c) or not content(c.keys) or (ASSISTANT in c.keys and not personal):
        return 0
    first = int(c.name == "" and _is_name(c, 0) and len(c.tokens[0]) > 1 and _begins_with_name(c))
    names = first + sum(t[:1].isupper() and t.lower() not in w.FIRST and i > 0 for i, t in enumerate(c.tokens))
    numbers = sum(t[:1].isdigit() for t in c.tokens)
    attribute = "be" in c.keys and "'s" in c.keys
    told_more = personal + attribute + min(names, 3) + min(numbers, 2)
    return 2 * told_more + bool(c.name) + bool(w.TIME.search(c.text))
