"""What a lesson measures beside its conversation: the rules of a memory, and several memories over one scenario.

>>> scene = lint(Action(lint="window:k=2"), scene, work, "")
>>> scene.lints
('window:k=2',)

Both ask the demo model for the memories' own calls, and search without a model's file: they cost nothing, and come to
the same on every server.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from memory.compare.collect import run_of
from memory.compare.scenarios import scenario
from memory.errors import BadInput
from memory.lessons.lesson import Action
from memory.lessons.progress import Scene
from memory.lessons.work import Work, here
from memory.lint import check_settings, classic_spec, lint_classic, lint_ours, scratch_server
from memory.replay import Replay
from memory.retrieval.embeddings import embedding
from memory.services import Models

_one = threading.Lock()
"""One at a time in this process, since each keeps a core busy."""


def lint(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Check the rules of a memory on the conversation; ours, or LangChain's own as `classic:Name(…)`."""
    assert action.lint
    scene, spot = here(action, scene, work)
    spec, user = action.lint, work.users[spot.person]
    turns = work.store.turns(user, spot.id, 0, spot.length)
    if not turns:
        raise BadInput("There is no turn yet to check the rules on: say something first.")
    work.tell(0.0, "waits for another check")
    with _one, scratch_server() as server:
        searched, models = embedding("hashing"), Models()
        if spec.startswith("classic:"):
            classic = classic_spec(spec)
            check_settings(classic)
            reports = tuple(lint_classic(classic, turns, server, models, searched, work.tell))
        else:
            memory, budget = work.memory(spec), work.lesson.budget
            reports = (lint_ours(memory, turns, server, models, searched, budget, work.tell),)
    work.desk.keep_reports(work.progress, spec, reports)
    return replace(scene, lints=(*(one for one in scene.lints if one != spec), spec))


def compare(action: Action, scene: Scene, work: Work, turn_id: str) -> Scene:
    """Run several memories over a shipped scenario, and keep what each came to."""
    assert action.compare
    chosen, specs = scenario(action.compare.scenario), action.compare.memories
    replay = Replay(chosen.recording, Models(), embedding("hashing"), prompts=False)
    steps = len(specs) * (len(chosen.recording.turns) + len(chosen.recording.questions))
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        work.tell(done / steps, f"{chosen.title}: {done:,} of {steps:,} turns and questions")

    with _one:
        for spec in specs:
            with replay.run(work.memory(spec)) as run:
                work.desk.keep_result(work.progress, chosen.name, spec, run_of(run, step=step))
    return replace(scene, compared=tuple(specs), scenario=chosen.name)
