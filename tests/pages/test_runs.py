"""What a run drew is handed over before the next one begins, and the theme is what Streamlit makes of the settings.

python -m pytest tests/pages/test_runs.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime import app_session
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

from memory.errors import StoreUnavailable
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


def finished(*fragments: str) -> ForwardMsg:
    message = ForwardMsg()
    message.script_finished = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
    message.metadata.run.fragment_ids.extend(fragments)
    return message


@pytest.mark.parametrize(
    ("begun", "told"),
    [
        (["watch"], ["turn", "panel"]),
        (["panel"], ["turn"]),
        (["turn", "panel"], None),
        (None, None),
    ],
)
def test_the_end_of_fragments_is_told_though_others_are_drawn_before_it_was_sent(
    begun: list[str] | None, told: list[str] | None
) -> None:
    with patch.object(ForwardMsgQueue, "clear", ForwardMsgQueue.clear):
        runs.keep_endings()
        queue = ForwardMsgQueue()
        queue.enqueue(finished("turn", "panel"))
        # As at the beginning of a run.
        queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=begun)
        (message,) = queue.flush()
    if told is None:
        assert message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
    else:
        assert message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
        assert list(message.metadata.run.fragment_ids) == told


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


@pytest.mark.parametrize("auto", [True, False])
def test_a_fragment_that_is_drawn_again_by_itself_brings_no_values_of_the_browser(auto: bool) -> None:
    with patch.object(app_session, "RerunData", app_session.RerunData):
        runs.tick_quietly()
        asked = app_session.RerunData(widget_states=WidgetStates(), fragment_id="watch", is_auto_rerun=auto)
    assert (asked.widget_states is None) == auto
    assert asked.fragment_id == "watch"


@pytest.mark.parametrize(
    ("auto", "fragment", "found", "running", "begun"),
    [
        (True, "watch", False, False, False),
        (True, "watch", True, False, True),
        (True, "watch", None, False, True),
        (True, "watch", True, True, False),
        (True, "other", False, True, True),
        (False, "watch", False, True, True),
    ],
)
def test_a_fragment_that_says_when_is_drawn_again_by_itself_only_then(
    auto: bool, fragment: str, found: bool | None, running: bool, begun: bool
) -> None:
    def look() -> bool:
        if found is None:
            raise StoreUnavailable("Redis does not answer.")
        return found

    class Visit:
        _state = app_session.AppSessionState.APP_IS_RUNNING if running else app_session.AppSessionState.APP_NOT_RUNNING
        _session_state: ClassVar[dict[str, Any]] = {runs._LOOK: ("watch", look)}
        drawn: ClassVar[list[Any]] = []

        def _handle_rerun_script_request(self, client_state: Any = None) -> None:
            self.drawn.append(client_state)

        def _call_soon_on_event_loop(self, callback: Callable[[], None]) -> None:
            callback()

    with (
        ThreadPoolExecutor(1) as lookers,
        patch.object(app_session, "AppSession", Visit),
        patch.object(runs, "_lookers", lambda: lookers),
    ):
        runs.look_first()
        Visit()._handle_rerun_script_request(ClientState(fragment_id=fragment, is_auto_rerun=auto))
    assert bool(Visit.drawn) == begun


@pytest.mark.parametrize(
    ("key", "pressed", "fragment"),
    [("chat_stop", True, ""), ("chat_edit_7", True, ""), ("panel_next", True, "place"), ("chat_stop", False, "place")],
)
def test_a_click_that_concerns_the_page_draws_it_from_whatever_fragment(key: str, pressed: bool, fragment: str) -> None:
    class Visit:
        _state = app_session.AppSessionState.APP_IS_RUNNING
        asked = "none"

        def _handle_rerun_script_request(self, client_state: Any = None) -> None:
            self.asked = client_state.fragment_id

    said = ClientState(fragment_id="place")
    said.widget_states.widgets.add(id=f"$$ID-4f2a-{key}", trigger_value=pressed)
    with patch.object(app_session, "AppSession", Visit):
        runs.answer_alone()
        (visit := Visit())._handle_rerun_script_request(said)
    assert visit.asked == fragment
