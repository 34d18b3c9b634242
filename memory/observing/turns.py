"""Takes down each turn when its job has ended: figures, one line of the log, and a span where a collector is named.

>>> ended(job)
{"event": "turn", "turn": "8b1e…", "memory": "ConversationBufferMemory", "status": "complete", "seconds": 1.42, …}
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from memory.errors import InspectorError, ModelFailed, StoreUnavailable
from memory.observing import log, metrics, spans

if TYPE_CHECKING:
    from memory.worker import Job


def ended(job: Job) -> None:
    """Take down a turn that is complete, or that failed, was withdrawn or left; never raises."""
    try:
        _ended(job)
    except Exception as error:
        log.event("turn not taken down", "warning", kind=type(error).__name__)


def kind_of(error: InspectorError) -> str:
    """Name what went wrong in one of few words."""
    if isinstance(error, ModelFailed):
        return f"model_{error.kind}"
    return "store" if isinstance(error, StoreUnavailable) else type(error).__name__


def _ended(job: Job) -> None:
    talk, trace = job.conversation, job.reply.trace
    own = talk.memory.__class__.__module__.startswith("memory.")
    memory = talk.memory.name if own else "custom"
    turn = job.reply.turn
    status = turn.status if turn and job.status == "complete" else job.status
    seconds = max(0.0, time.time() - job.started)
    metrics.TURNS.labels(memory, status).inc()
    metrics.PHASES.labels("turn").observe(seconds)
    reply = trace.reply if trace else None
    if reply:
        metrics.PHASES.labels("model").observe(reply.seconds)
        if reply.first_token is not None:
            metrics.PHASES.labels("first_token").observe(reply.first_token)
    for phase in job.reply.phases.taken:
        if phase.name != "model":  # the reply's own is there already
            metrics.PHASES.labels(phase.name).observe(phase.seconds)
    if trace and trace.own_calls:
        metrics.PHASES.labels("memory_calls").observe(sum(call.seconds for call in trace.own_calls))
    if trace:
        metrics.of_trace(trace)
    error = job.error or job.reply.error
    if error:
        metrics.ERRORS.labels(kind_of(error)).inc()
    if trace and len(trace.errors) > bool(job.reply.error):
        metrics.ERRORS.labels("memory").inc(len(trace.errors) - bool(job.reply.error))
    figures = {
        "turn": job.id,
        "thread": talk.thread,
        "user": log.of_user(talk.user),
        "memory": memory,
        "model": talk.models.chat,
        "status": status,
        "seconds": round(seconds, 3),
        "first_token": round(reply.first_token, 3) if reply and reply.first_token is not None else None,
        "input_tokens": reply.input_tokens if reply else None,
        "cached_tokens": reply.cached_tokens if reply else None,
        "output_tokens": reply.output_tokens if reply else None,
        "own_calls": len(trace.own_calls) if trace else None,
        "cost": str(reply.cost) if reply and reply.cost is not None and reply.model == reply.priced_as else None,
        "error": kind_of(error) if error else None,
    }
    log.event("turn", "warning" if error else "info", **figures)
    spans.of_turn(job.started, seconds, job.reply.phases.taken, figures)
