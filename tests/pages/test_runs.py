"""What a run drew is handed over before the next one begins, and the theme is what Streamlit makes of the settings.

python -m pytest tests/pages/test_runs.py
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

from pages.ui import runs


class Session:
    """A visit whose last runner is as it is told; it notes in which order things happen."""

    def __init__(self, state: ScriptRequestType) -> None:
        self._scriptrunner = SimpleNamespace(_requests=SimpleNamespace(_state=state))
        self._loop = asyncio.get_running_loop()
        self.order: list[str] = []

    def _call_soon_on_event_loop(self, callback: Any) -> None:
        self._loop.call_soon_threadsafe(callback)


@pytest.mark.parametrize(
    ("state", "order"),
    [
        (ScriptRequestType.STOP, ["what the last run drew", "next run"]),
        (ScriptRequestType.CONTINUE, ["next run", "what the last run drew"]),
    ],
)
def test_a_request_after_a_run_that_has_ended_waits_for_what_it_drew(
    state: ScriptRequestType, order: list[str]
) -> None:
    def begin(session: Session, client_state: object) -> None:
        session.order.append("next run")

    async def visit() -> list[str]:
        with patch.object(app_session.AppSession, "request_rerun", begin):
            runs.keep_drawings()
            runs.keep_drawings()  # a second time changes nothing
            session = Session(state)
            asyncio.get_running_loop().call_soon_threadsafe(session.order.append, "what the last run drew")
            app_session.AppSession.request_rerun(session, None)  # type: ignore[arg-type]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return session.order

    assert asyncio.run(visit()) == order


@pytest.mark.parametrize("section", ["theme", "theme.light", "theme.dark", "theme.sidebar", "theme.dark.sidebar"])
def test_the_theme_that_is_remembered_is_the_one_of_the_settings(section: str) -> None:
    populate = app_session._populate_theme_msg
    with patch.object(app_session, "_populate_theme_msg", populate):
        runs.remember_theme()
        for _ in range(2):
            asked, remembered = CustomThemeConfig(), CustomThemeConfig()
            populate(asked, section)
            app_session._populate_theme_msg(remembered, section)
            assert remembered == asked
