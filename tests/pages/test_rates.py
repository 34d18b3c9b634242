"""A message over the limit of a browser: told in one sentence, and still in the box.

python -m pytest tests/pages/test_rates.py
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from memory import worker
from tests.pages.test_chat import Kept, kept, messages, opened, say  # noqa: F401


def test_a_message_too_many_stays_in_the_box_and_the_seconds_are_said(
    opened: Callable[[], AppTest],  # noqa: F811
    kept: Kept,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TURNS_PER_MINUTE", "1")
    page = say(opened(), "My name is Alex.")
    for thread in kept.threads(kept.user):
        for job in worker.running(kept.user, thread.id):
            job.join(30)
    page = say(page.run(), "What is my name?")
    assert [error.value for error in page.error if "1 message a minute from a browser: try again in" in error.value]
    assert page.chat_input[0].value == "What is my name?" or page.session_state.chat_message == "What is my name?"
    (thread,) = kept.threads(kept.user)
    assert len(kept.turns(kept.user, thread.id, 0, 9)) == 1
    assert "My name is Alex." in messages(page)
