"""A switch of the memory in the background: it takes earlier turns in while the page shows how far it is.

>>> switch = Switch(conversation, expected=12)
>>> switch.calls, switch.done
(3, False)
"""

from __future__ import annotations

import threading

from memory.conversation import Conversation
from memory.errors import InspectorError, StoreUnavailable
from memory.models import explain

SAVE_SECONDS = 600.0
"""How long what cannot be stored, an answer or a state, is held and tried again."""


class Switch:
    """A memory that takes earlier turns in, in the background; `calls` of about `expected` are done."""

    def __init__(self, conversation: Conversation, expected: int) -> None:
        self.conversation = conversation
        self.expected = expected
        self.error: InspectorError | None = None
        self._services = conversation.services()
        self._thread = threading.Thread(target=self._run, name="switch", daemon=True)
        with _lock:
            _switches.add(self)
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        self._thread.join(timeout)

    @property
    def calls(self) -> int:
        return len(self._services.calls)

    @property
    def trouble(self) -> StoreUnavailable | None:
        """Why the store does not take what was made, while it is offered again; None where nothing is wrong."""
        return self._services.unsaved

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    @property
    def errors(self) -> tuple[str, ...]:
        """What went wrong, in sentences; what was done before it is kept and the next turn goes on from there."""
        return (*self._services.errors, *([str(self.error)] if self.error else []))

    def _run(self) -> None:
        try:
            self.conversation.catch_up(self._services, SAVE_SECONDS)
        except InspectorError as error:
            self.error = error
        except Exception as error:
            self.error = explain(error, model=self.conversation.models.chat)
            raise
        finally:
            with _lock:
                _switches.discard(self)


def switching() -> list[Switch]:
    """Return the switches that are on their way."""
    with _lock:
        return list(_switches)


_switches: set[Switch] = set()
_lock = threading.Lock()
