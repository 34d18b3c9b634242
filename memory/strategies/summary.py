"""ConversationSummaryMemory: one summary of everything, no turns. Keeps the gist, forgets exact words.

    turn 3   human: What is my name?     prompt: "The user's name is Alex and …" | What is my name?

Costs one call of the memory's model every `summarize_step` turns. Gives classic's sequence of summaries; unlike
classic's, a turn whose summary failed is caught up by the next write, and a restart finds the summary again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from memory.base import LeftOut, Memory, Recall, Services, State, Turn
from memory.common.fit import note_item, note_left_out
from memory.common.summarize import summarize
from memory.errors import ModelFailed
from memory.tokens import count_tokens

MAX_SUMMARY = 400
"""A summary's greatest length in tokens; without a bound it would grow with the conversation."""


class ConversationSummaryMemory(Memory):
    """Sends one running summary and no turns."""

    short = "summary"
    label = "Summary"
    place = 4
    keeps = "the gist of everything"
    forgets = "exact words and details"
    costs = "one call of its own each turn"
    stateful = True
    state_settings = ("summarize_step",)

    class Settings(Memory.Settings):
        summarize_step: int = Field(1, ge=1, le=100, description="Summarise every so many turns")

    settings: Settings

    @property
    def tail(self) -> int:
        return self.settings.summarize_step - 1  # those that the next write takes in, with the turn itself

    def read(self, state: State, transcript: Sequence[Turn], query: str, services: Services, budget: int) -> Recall:
        length, note = len(transcript), state.notes.get("summary")
        if note is None:
            return Recall(left_out=(LeftOut((0, length), "not yet in a summary"),) if length else ())
        end = note.turns[1]
        size = count_tokens(note.text, services.encoding)
        item = note_item(note.ref, note.text, f"summary of turns 1 to {end}", budget, services.encoding, size)
        merged = LeftOut((0, end), f"merged into summary v{note.version}", "summary")
        left = [merged if item else note_left_out(note, (0, end))]
        if end < length:
            left.append(LeftOut((end, length), "not yet in the summary"))
        return Recall((item,) if item else (), tuple(left))

    def write(self, state: State, transcript: Sequence[Turn], services: Services, recall: Recall | None) -> State:
        step = self.settings.summarize_step
        try:
            while len(transcript) - state.covered >= step:
                end = state.covered + step
                earlier = state.notes["summary"].text if "summary" in state.notes else ""
                text = summarize(services, earlier, transcript[state.covered : end], MAX_SUMMARY)
                state = replace(state.with_note("summary", text, (0, end), since=end), covered=end)
        except ModelFailed as error:
            services.failed(error)
        return state
