"""What a lesson forgets: a turn, or everything that holds certain words, wherever it stands; with its receipt.

>>> scene = forget(Action(forget=Forget(words="+47 912 34 567")), scene, work, "")
>>> scene.receipts[-1].left
0
"""

from __future__ import annotations

from dataclasses import replace

from memory import forgetting
from memory.errors import BadInput
from memory.forgetting.places import every_text
from memory.forgetting.receipt import Receipt
from memory.lessons.lesson import Action
from memory.lessons.live import Spot
from memory.lessons.progress import Scene
from memory.lessons.work import Work, here


def forget(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Forget it, then have the memories of this person take in again what is left."""
    assert action.forget
    scene, spot = here(action, scene, work)
    work.tell(0.0, "Forgetting it, writing the files anew, looking through every one")
    if action.forget.turn:
        user = work.users[spot.person]
        receipt = forgetting.forget_turn(work.store, work.retrieval, user, spot.id, action.forget.turn - 1)
    else:
        receipt = _words(action.forget.words or "", spot, work)
    for one in scene.spots:
        if one.person == spot.person:
            work.catch_up(one)
    return replace(scene, receipts=(*scene.receipts, receipt))


def _standing(work: Work, person: str, words: str) -> list[str]:
    """Return the places in which words stand, as forgetting names them; turns first, then what is made of them."""
    wanted = " ".join(words.split()).casefold()
    places = every_text(work.store, work.users[person])
    found = [place.id for place in places if wanted in " ".join(place.text.split()).casefold()]
    return sorted(found, key=lambda id: ("/turn:" not in id, not id.startswith("item:"), "/note:" not in id))


def _words(words: str, spot: Spot, work: Work) -> Receipt:
    """Forget every place that holds these words; raises BadInput where there is none."""
    first, *others = _standing(work, spot.person, words) or [""]
    store, retrieval, user = work.store, work.retrieval, work.users[spot.person]
    thread, _, rest = first.partition("/")
    kind, _, own = rest.partition(":")
    if kind == "turn":
        return forgetting.forget_turn(store, retrieval, user, thread, int(own), others)
    if first.startswith("item:"):
        return forgetting.forget_item(store, retrieval, user, first.partition(":")[2], others)
    if kind == "note":
        key, _, id = own.rpartition("/")
        return forgetting.forget_note(store, retrieval, user, thread, key, id, others)
    raise BadInput("Nothing that was said in this lesson holds these words: they are forgotten already.")
