"""What a run of the page drew reaches its browser also on a busy server, and beginning a run costs little.

    runs.keep_drawings()
    runs.keep_messages()
    runs.remember_theme()          # all once, in the server's process, before the first visit
    with runs.uninterrupted():     # a message is taken from the visit and handed to whoever keeps it

Streamlit 1.67 takes what a run draws over to the browser by its event loop. Where that is late and the browser asks for
the next run meanwhile, as `watch` does every few seconds, a new runner is made, and what the one before it has drawn is
thrown away: the answer would be stored, and not be seen. Where the next request comes before a run has taken in what
the last one brought, as a click right after a message, the message is thrown away. And at each run it puts the theme
together anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType
from streamlit.runtime.state.safe_session_state import SafeSessionState


def keep_drawings() -> None:
    """Have a request wait for what a runner that has ended left to hand over."""
    begin = app_session.AppSession.request_rerun
    if hasattr(begin, "__wrapped__"):
        return

    @wraps(begin)
    def request_rerun(self: app_session.AppSession, client_state: Any) -> None:
        runner = self._scriptrunner
        if runner is not None and runner._requests._state is ScriptRequestType.STOP:
            # All that it drew stands in the loop's queue already, before this.
            self._call_soon_on_event_loop(lambda: begin(self, client_state))
        else:
            begin(self, client_state)

    app_session.AppSession.request_rerun = request_rerun  # type: ignore[method-assign]


def remember_theme() -> None:
    """Read the theme from the settings once, not at every run."""
    populate = app_session._populate_theme_msg
    if hasattr(populate, "__wrapped__"):
        return

    @cache
    def theme(section: str) -> CustomThemeConfig:
        made = CustomThemeConfig()
        populate(made, section)
        return made

    @wraps(populate)
    def remembered(msg: CustomThemeConfig, section: str = "theme") -> None:
        msg.MergeFrom(theme(section))

    app_session._populate_theme_msg = remembered


def keep_messages() -> None:
    """Have what a browser sent be taken in before its next request, which would come in its place."""
    begin = SafeSessionState.on_script_will_rerun
    if hasattr(begin, "__wrapped__"):
        return

    @wraps(begin)
    def on_script_will_rerun(self: SafeSessionState, *args: Any, **options: Any) -> None:
        with _held(self):
            begin(self, *args, **options)

    SafeSessionState.on_script_will_rerun = on_script_will_rerun  # type: ignore[method-assign]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no other click of the visit break the run off inside, which draws nothing: what is on its way would be lost.

    What was clicked meanwhile is taken up at the next element that is drawn.
    """
    context = get_script_run_ctx()
    if context is None:
        yield
        return
    with _held(context.session_state):
        yield


@contextmanager
def _held(state: SafeSessionState) -> Iterator[None]:
    """Have no look into the state break the run off."""
    before = state._yield_callback
    object.__setattr__(state, "_yield_callback", lambda: None)
    try:
        yield
    finally:
        object.__setattr__(state, "_yield_callback", before)
