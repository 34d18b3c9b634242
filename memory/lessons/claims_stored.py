"""Claims about what is stored: turns, notes, what is remembered of a person, and that something is nowhere any more.

    >>> gone(claim, live)
    Verdict(held=True, measured='not found; looked through 23 texts of 1 person; the receipt says 9 removed, 0 left')

A claim that something is absent is only true where it could have been there: of words that nobody ever said nothing is
kept from anybody and nothing is gone, so such a claim is not measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from memory.errors import ThreadGone
from memory.forgetting.places import every_text
from memory.forgetting.said import said_in
from memory.lessons.at import At
from memory.lessons.lesson import Claim
from memory.lessons.live import Live
from memory.lessons.verdict import NOT_YET, Verdict, all_there, holds_part, none_there


def stored_has(wanted: Sequence[str], claim: Claim, at: At) -> Verdict:
    """Words in the turns that are stored, or in the one that is named."""
    texts = ["\n".join(said_in(turn)) for turn in at.live.turns(at.spot.person, at.spot.name)]
    if claim.turn:
        texts = texts[claim.turn - 1 : claim.turn]
    return all_there(wanted, texts, "of stored turns") if texts else NOT_YET


def notes_have(wanted: Sequence[str], claim: Claim, at: At) -> Verdict:
    """Words in the notes that hold after the turn."""
    return NOT_YET if at.notes is None else all_there(wanted, [note.text for note in at.notes.values()], "of notes")


def notes_lack(wanted: Sequence[str], claim: Claim, at: At) -> Verdict:
    """None of these words in the notes that hold after the turn."""
    return NOT_YET if at.notes is None else none_there(wanted, [note.text for note in at.notes.values()], "of notes")


def facts_have(claim: Claim, live: Live) -> Verdict:
    """Words in what is remembered of the person."""
    if not live.spots:
        return NOT_YET
    return all_there(claim.facts_have or (), [fact.text for fact in live.facts(claim.person)], "of remembered facts")


def facts_lack(claim: Claim, live: Live) -> Verdict:
    """None of these words in what is remembered of the person."""
    if not live.spots:
        return NOT_YET
    return none_there(claim.facts_lack or (), [fact.text for fact in live.facts(claim.person)], "of remembered facts")


def superseded_have(claim: Claim, live: Live) -> Verdict:
    """Words in what was remembered of the person and holds no longer."""
    if not live.spots:
        return NOT_YET
    facts = live.facts(claim.person)
    texts = [replace(fact, content=version.content).text for fact in facts for version in fact.history]
    return all_there(claim.superseded_have or (), texts, "of facts that hold no longer")


def kept_from(claim: Claim, live: Live) -> Verdict:
    """Nothing with these words in reach of a person, though they stand with somebody else of the lesson."""
    others = [text for person in live.users if person != claim.kept_from for text in _texts(live, person)]
    unsaid = [words for words in claim.words if not any(holds_part(text, words) for text in others)]
    if unsaid:
        return Verdict(None, f"not measured: nobody else has {', '.join(f'“{one}”' for one in unsaid)}")
    return none_there(claim.words, _texts(live, claim.kept_from or ""), f"in reach of {live.who(claim.kept_from).name}")


def gone(claim: Claim, live: Live) -> Verdict:
    """Words that were said in the lesson and stand nowhere in the store any more, after something was forgotten."""
    wanted = claim.gone or ()
    if not live.receipts:
        return Verdict(None, "not measured yet: nothing was forgotten")
    said = [action.say or "" for step in live.lesson.steps for action in step.play]
    if unsaid := [words for words in wanted if not any(holds_part(text, words) for text in said)]:
        return Verdict(None, f"not measured: the lesson never says {', '.join(f'“{one}”' for one in unsaid)}")
    texts = [text for person in live.users for text in _texts(live, person)]
    found = none_there(wanted, texts, f"of {'1 person' if len(live.users) == 1 else f'{len(live.users)} people'}")
    removed, left = (sum(getattr(one, name) for one in live.receipts) for name in ("removed", "left"))
    told = f"{found.measured}; the receipt says {removed:,} removed, {left:,} left"
    return Verdict(bool(found.held) and not left, told)


def _texts(live: Live, person: str) -> Iterator[str]:
    """Go through every text that is kept of a person: what can be forgotten by itself, and what was made of it."""
    user = live.users[person]
    yield from (place.text for place in every_text(live.store, user))
    for thread in live.store.threads(user):
        yield from _made(live, user, thread.id)


def _made(live: Live, user: str, thread: str) -> Iterable[str]:
    """Return every version of every note of a conversation, and what was sent and stands in no turn."""
    try:
        notes, texts = live.store.everything(user, thread)
    except ThreadGone:
        return []
    return [*(note.text for note in notes.values() if note.text), *texts.values()]
