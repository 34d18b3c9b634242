"""The same rules on LangChain's own classes, run as people deploy them; what is broken is found by running it.

>>> with scratch_server() as server:
...     redis, in_memory = lint_classic(classic_spec("classic:ConversationTokenBufferMemory"), turns, server)
>>> redis.check("limit").said, in_memory.check("limit").verdict
('16,483 tokens were sent of 2,000, before turn 104', 'holds')

A class is given turns as `save_context` takes them: the human's text and the answer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memory.base import Turn
from memory.demo import DemoChatModel
from memory.errors import BadInput
from memory.lint.classic_live import ClassicLive
from memory.lint.classic_more import asynchronous, cleared, failing, other_owner, probes, replayed, restarted, twice
from memory.lint.deployed import Deployed
from memory.lint.report import RULES, Check, Progress, Report, not_known, ordered
from memory.lint.server import Server
from memory.lint.spec import ClassicSpec
from memory.lint.watch import Watch
from memory.retrieval.embeddings import Embedding
from memory.services import Models


def check_settings(spec: ClassicSpec) -> None:
    """Make the class once; raises BadInput for a setting that it refuses."""
    Deployed(spec, "in memory", None, DemoChatModel()).memory("check")


def lint_classic(
    spec: ClassicSpec,
    turns: Sequence[Turn],
    server: Server,
    models: Models | None = None,
    embedding: Embedding | None = None,
    progress: Progress | None = None,
) -> tuple[Report, ...]:
    """Run the conversation through one of LangChain's classes, over each history that its spec names.

    Its model is the memory's model of `models`. Raises BadInput without turns and for a setting that the class refuses.
    """
    if not turns:
        raise BadInput("There is no turn to check the rules on: say something first.")
    models = models or Models()
    said = [replace(turn, index=index) for index, turn in enumerate(turns)]
    places = spec.histories if spec.chats else ("",)
    reports = []
    for number, place in enumerate(places):

        def told(share: float, label: str, begun: int = number) -> None:
            if progress:
                progress((begun + share) / len(places), label)

        tried: int | None = None
        stopped = ""
        if place == "Redis" and not server.ready:
            why = f"no Redis could be started to try it on ({server.why.rstrip('.')})"
            checks = [not_known(id, why) for id in RULES]
        else:
            server.empty()
            live, checks = _checks(spec, place, said, server, models, embedding, told)
            if live.stopped:
                tried, stopped = len(live.turns), live.stopped
        kept = ordered(checks)
        reports.append(Report(spec.name, spec.settings, len(said), kept, "LangChain", place, tried, stopped))
        told(1.0, spec.name)
    return tuple(reports)


def _checks(
    spec: ClassicSpec,
    place: str,
    turns: list[Turn],
    server: Server,
    models: Models,
    embedding: Embedding | None,
    progress: Progress,
) -> tuple[ClassicLive, list[Check]]:
    encoding, _ = models.encoding()
    watch = Watch(encoding)
    client = server.connection.client if server.ready else None
    deployed = Deployed(spec, place, client, watch.over(models.open_memory()), embedding)
    live = ClassicLive(deployed, watch, turns)
    live.run(progress)
    checks = live.checks()
    if live.failed is None:
        checks += [restarted(live), other_owner(live), cleared(live)]
        checks += [replayed(live), asynchronous(live), twice(live), failing(live)]
    checks += probes(live)
    known = {check.id for check in checks}
    why = f"it failed before turn {len(live.sent):,}" if live.failed else "it has no way to do this"
    return live, [*checks, *(not_known(id, _UNSAID.get(id, why)) for id in RULES if id not in known)]


_UNSAID = {
    "forget": "it has no way to forget one turn",
    "sources": "it does not say where a text comes from, nor what it left out and why",
}
