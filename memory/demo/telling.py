"""Turn a statement round: to the person who made it, or to a third person.

>>> to_you("I'm a baker and my oven is old")
"you're a baker and your oven is old"
>>> to_third("I bake bread")
'The user bakes bread.'
"""

from __future__ import annotations

import re

from memory.demo import words as w
from memory.demo.sentences import USER, Clause

_ADVERB = r"(?:(?:also|really|still|usually|always|often|currently|just|now|recently|never|only|actually|already) )?"
_THE_USER = re.compile(rf"\b(?:[Tt]he user|User)(?:(?P<own>['’]s)|(?P<gap> {_ADVERB})(?P<verb>[\w'’]+))?")
_PERSON = re.compile(
    r"\b(?:(?P<i>I)(?P<be>['’](?:m|ve|ll|d)| was\b| am\b)?|(?P<you>you)(?P<are>['’](?:re|ve|ll|d)| are\b| were\b)?"
    r"|(?P<other>me|my|mine|myself|we|us|our|ours|ourselves|your|yours|yourself))\b(?!['’]?\w)",
    re.I,
)
_OTHER = {
    "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "we": "you", "us": "you", "our": "your",
    "ours": "yours", "ourselves": "yourselves", "your": "my", "yours": "mine", "yourself": "myself",
}  # fmt: skip
_BE = {"'m": "'re", " was": " were", " am": " are", "'re": "'m", " are": " am", " were": " was"}
_BEFORE_SUBJECT = w.WH | {"that", "if", "because", "and", "but", "so", "as", "than", "while", "whether"}
_I = re.compile(rf"\bI\b(?P<clitic>['’](?:m|ve|ll|d)\b)?(?P<gap> {_ADVERB})?(?P<verb>(?(gap)[\w'’]+))")
_CLITIC = {"'m": " is", "'ve": " has", "'ll": " will", "'d": " would"}
_MY = {"my": "the user's", "mine": "the user's", "me": "the user", "myself": "themselves"}
_THIRD = {"am": "is", "have": "has", "do": "does", "don't": "doesn't", "haven't": "hasn't", "were": "was"}
_PLAIN = {"is": "are", "was": "were", "has": "have", "does": "do", "isn't": "aren't", "wasn't": "weren't",
          "doesn't": "don't", "hasn't": "haven't"}  # fmt: skip
_ORDER = re.compile(r"^(?:please )?(?:remember|noted?)\b(?: that\b)?[\s,:]*", re.I)
_GREETING = re.compile(r"^(?:hi|hello|hey|good (?:morning|evening|afternoon|day))\b[\w\s]{0,12}[,!.:]+\s+(?=\S)", re.I)
PLEASANTRY = re.compile(
    r"^\W*(?:(?:hi|hello|hey|good (?:morning|evening|afternoon|day|night)|thanks?(?: you)?(?: so much| a lot)?|bye"
    r"|goodbye|ok(?:ay)?|yes|no|sure|great|cool|nice|wow|fine|all ?right|got it|i see|nice to meet you|you're welcome"
    r"|see you(?: later)?|please|of course|there|noted|everyone|again|sounds good|perfect)\b[\s,!.:;)]*)+$",
    re.I,
)


def _fixed(verb: str) -> bool:
    return verb in w.MODALS | w.PAST | {"was", "had", "did", "cannot"} or verb.endswith("n't")


def _plain(verb: str) -> str:
    """Undo the third person's ending: "bakes" → "bake"."""
    low = verb.lower().replace("’", "'")
    if low in _PLAIN or _fixed(low) or not low.endswith("s") or low.endswith("ss"):
        return _PLAIN.get(low, verb)
    if low.endswith("ies") and len(low) > 4:
        return verb[:-3] + "y"
    return verb[:-2] if re.search(r"(?:sh|ch|ss|ocus|x|zz|o)es$", low) else verb[:-1]


def third(verb: str) -> str:
    """Give a verb the third person's ending: "bake" → "bakes"."""
    low = verb.lower().replace("’", "'")
    if low in _THIRD or _fixed(low) or w.is_past(low) or low == "is":
        return _THIRD.get(low, verb)
    if re.search(r"[^aeiou]y$", low):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(?:sh|ch|ss|us|x|zz|o)$", low) else "s")


def _swap(m: re.Match[str]) -> str:
    tail = (m["be"] or m["are"] or "").lower().replace("’", "'")
    if m["i"]:
        return "you" + _BE.get(tail, tail)
    if m["you"]:
        before = re.findall(r"[\w']+", m.string[max(0, m.start() - 20) : m.start()].lower())
        return "I" + _BE.get(tail, tail) if tail or not before or before[-1] in _BEFORE_SUBJECT else "me"
    return _OTHER[m["other"].lower()]


def _user_swap(m: re.Match[str]) -> str:
    return "your" if m["own"] else "you" + (f"{m['gap']}{_plain(m['verb'])}" if m["verb"] else "")


def to_you(text: str) -> str:
    """Address a statement to the person who made it, or whom it calls "the user"."""
    parts = re.split(r"([\"“][^\"”]*[\"”])", text)  # what stands in quotation marks is somebody else's
    return "".join(p if i % 2 else _THE_USER.sub(_user_swap, _PERSON.sub(_swap, p)) for i, p in enumerate(parts))


def to_third(text: str) -> str:
    """Tell a statement of the user's as one about the user; what cannot be turned safely is quoted."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    if words & {"we", "us", "our", "ours", "you", "your", "yours"} or {*text} & {*'"“'}:
        return f'The user said: "{text.strip().rstrip(".").replace(chr(34), chr(39))}."'

    def swap(m: re.Match[str]) -> str:
        clitic = _CLITIC.get((m["clitic"] or "").replace("’", "'"), "")
        return f"the user{clitic}{m['gap'] or ''}{m['verb'] if clitic else third(m['verb'])}"

    return finish(re.sub(r"(?i)\b(?:my|mine|me|myself)\b", lambda m: _MY[m[0].lower()], _I.sub(swap, text)))


def say(c: Clause, whole: bool = False, asker: str = USER, dated: bool = False) -> str:
    """Tell a clause to the user: turned round if it is about them, quoted with its speaker if somebody else says it.

    The date that it stands under is no part of what was said: it is told where it is `dated`, to who asks when.
    """
    date = c.date if dated else ""
    if c.name and c.speaker not in (USER, asker):
        when = f" ({date})" if date else ""
        return f'{c.name} said{when}: "{finish(clip(c.sentence))}"'
    text = _GREETING.sub("", _ORDER.sub("", clip(c.sentence if whole else c.text)))
    return finish(text if c.said_by_model else to_you(text)) + (f" [{date}]" if date else "")


def told(text: str, name: str = "") -> str:
    """Tell what the user says in the third person, what anybody else says in quotation marks."""
    text = _ORDER.sub("", clip(text, 400))
    if name:
        return f'{name} said: "{finish(text)}"'
    return to_third(text) if w.FIRST & {*re.findall(r"\w+", text.lower())} else finish(text)


def finish(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    text = text.strip(" ,;:-–—\t\n")
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in '.!?…"”' else ".")


def clip(text: str, limit: int = 240) -> str:
    """Cut a long sentence for quoting, with an ellipsis, at a space."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + " …"
