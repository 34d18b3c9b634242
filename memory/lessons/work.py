"""What an action of a lesson works with: the sandbox's store and people, the models, and whoever watches.

>>> scene, spot = here(Action(say="Hello.", person="bob"), scene, work)      # Bob's conversation, begun if need be
>>> work.talk(spot).memory.name
'ConversationBufferWindowMemory'
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from memory import knowledge
from memory.base import Memory, Turn
from memory.catalog import load
from memory.conversation import Conversation
from memory.errors import BadInput, ModelFailed, ThreadGone
from memory.lessons.lesson import Lesson, Where
from memory.lessons.live import FIRST, Live, Spot
from memory.lessons.progress import BEGUN_ANEW, Desk, Progress, Scene
from memory.longterm.base_store import UserStore
from memory.pictures.picture import Picture
from memory.pictures.reading import read_picture
from memory.retrieval.index import Retrieval
from memory.services import Models
from memory.store import Store, Thread
from memory.switch import Switch
from memory.trace import Trace
from memory.worker import Job

SAMPLES = Path(knowledge.__file__).parent / "samples"
PICTURES = Path(__file__).parent / "pictures"


@dataclass(frozen=True)
class Work:
    """A lesson that is played; `users` are its people's names in the store, `progress` how far it was at the beginning.

    `began` is told of each answer on its way, `tell` how far another action is (0 to 1) and what goes on, `notice` what
    went wrong and was survived ("" is nothing); what these raise ends the action.
    """

    store: Store
    retrieval: Retrieval
    lesson: Lesson
    models: Models
    desk: Desk
    progress: Progress
    users: Mapping[str, str]
    began: Callable[[Job], None] = lambda job: None
    tell: Callable[[float, str], None] = lambda share, label: None
    notice: Callable[[str], None] = lambda said: None

    def live(self, scene: Scene) -> Live:
        """Return the state of the lesson as a scene has it, without what was measured."""
        return Live(
            self.store,
            self.lesson,
            self.users,
            scene.spots,
            scene.person or self.lesson.people[0].id,
            scene.thread or FIRST,
            self.models,
            self.retrieval,
        )

    def talk(self, spot: Spot) -> Conversation:
        """Return a conversation as its memory reads it."""
        return self.live(Scene(spots=(spot,))).talk(spot)

    def memory(self, spec: str) -> Memory:
        """Make a memory as the lesson writes it; raises BadInput."""
        return load().memory(spec)

    def memory_with(self, spot: Spot, setting: str, value: int | float | str) -> Memory:
        """Make a conversation's memory with one setting changed; raises BadInput."""
        return load().make(spot.memory, {**spot.settings, setting: value})

    def items(self, person: str) -> UserStore:
        """Return what is remembered of a person across conversations."""
        return self.retrieval.items(self.store.shelf, self.users[person], lambda call: None)

    def last(self, spot: Spot) -> Turn | None:
        """Return the last turn of a conversation as it stands in the store, None where there is none."""
        opened = self.store.open(self.users[spot.person], spot.id, "", 1)
        return opened.tail[-1] if opened.tail else None

    def counted(self, spot: Spot) -> Spot:
        """Return a conversation with the number of turns that it has now."""
        return replace(spot, length=self.store.open(self.users[spot.person], spot.id, "", 0).length)

    def keep(self, spot: Spot) -> None:
        """Have the conversation's record say which memory reads it; raises ThreadGone where it is gone."""
        user = self.users[spot.person]
        kept = self.store.thread(user, spot.id)
        if kept is None:
            raise ThreadGone(BEGUN_ANEW)
        self.store.put_thread(user, replace(kept, memory=spot.memory, settings=spot.settings), create=False)

    def catch_up(self, spot: Spot) -> None:
        """Have the memory take in the turns that it does not cover yet, and tell how far it is."""
        talk = self.talk(spot)
        if not talk.memory.stateful or not spot.length:
            return
        expected = talk.estimate().calls
        switch = Switch(talk, expected)
        while not switch.done:
            said = f"{talk.memory.label} takes the earlier turns in"
            self.tell(min(1.0, switch.calls / max(1, expected)), said)
            switch.join(0.1)
        if switch.error:
            raise switch.error
        for said in switch.errors:
            self.notice(said)

    def checked(self, trace: Trace | None) -> None:
        """Raise ModelFailed where what a memory did between turns failed."""
        if trace and trace.errors:
            raise ModelFailed(trace.errors[0], kind="server")

    def sample(self, name: str) -> tuple[str, bytes]:
        """Return a shipped document by its name without the ending; raises BadInput."""
        file = shipped_file(SAMPLES, name)
        return file.name, file.read_bytes()

    def picture(self, name: str) -> tuple[Picture, bytes]:
        """Return a shipped picture, as an uploaded one is read; raises BadInput."""
        file = shipped_file(PICTURES, name)
        return read_picture(file.name, file.read_bytes())


def here(where: Where, scene: Scene, work: Work) -> tuple[Scene, Spot]:
    """Return the conversation that is meant, which is begun where there is none, and the scene with it.

    It is read by the memory that this person used last, else by that of the lesson.
    """
    person = where.person or scene.person or work.lesson.people[0].id
    own = [spot for spot in scene.spots if spot.person == person]
    usual = scene.thread if person == scene.person else own[-1].name if own else ""
    name = where.thread or usual or FIRST
    found = next((spot for spot in own if spot.name == name), None)
    if found:
        return scene, work.counted(found)
    # Made of the run and its name, so that one whose beginning was interrupted is begun once.
    id = hashlib.sha256(f"{work.progress.run}/{person}/{name}".encode()).hexdigest()[:16]
    memory = own[-1].open() if own else work.memory(work.lesson.memory)
    settings, now = memory.settings.model_dump(mode="json"), time.time()
    title = work.lesson.title if name == FIRST else f"{work.lesson.title}: {name}"
    work.store.put_thread(work.users[person], Thread(id, title, now, now, memory.name, settings))
    spot = work.counted(Spot(person, name, id, 0, memory.name, settings))
    return spoken(scene, spot), spot


def spoken(scene: Scene, spot: Spot) -> Scene:
    """Return the scene in which somebody spoke last in this conversation, as it is now."""
    others = tuple(one for one in scene.spots if one.id != spot.id)
    return replace(scene, person=spot.person, thread=spot.name, spots=(*others, spot))


def shipped_file(folder: Path, name: str) -> Path:
    """Return a file of a folder that ships by its name without the ending, or with it; raises BadInput."""
    found = [file for file in sorted(folder.iterdir()) if name in (file.stem, file.name)]
    if not found:
        names = ", ".join(sorted(file.stem for file in folder.iterdir()))
        raise BadInput(f"There is no {name[:40]!r} among what ships with the lessons; choose {names}.")
    return found[0]
