"""What a run of the page drew reaches its browser also on a busy server, and beginning a run costs little.

    runs.keep_drawings()
    runs.keep_messages()
    runs.keep_endings()
    runs.tick_quietly()
    runs.look_first()
    runs.answer_alone()
    runs.remember_theme()          # all once, in the server's process, before the first visit
    with runs.uninterrupted():     # a message is taken from the visit and handed to whoever keeps it
    runs.then("panel", "context")  # in a fragment: draw these fragments next, and nothing else
    runs.where(changed)            # in a fragment that is drawn again by itself: only where this says so

Streamlit 1.67 takes what a run draws over to the browser by its event loop. Where that is late and the browser asks for
the next run meanwhile, as `watch` does every few seconds, a new runner is made, and what the one before it has drawn is
thrown away: the answer would be stored, and not be seen. Where the next request comes before a run has taken in what
the last one brought, as a click right after a message, the message is thrown away. Where fragments were drawn and the
next run begins before their end was sent, the end is not told: what they no longer draw stays on the page beside what
they do. A message from the box at the root of a page has all of the page drawn, though a fragment of it could answer; a
fragment can have no other one drawn but in a callback, and a click in one waits while it draws. One that is drawn again
by itself brings what the browser knew of the page, which may be old, and takes a whole run to see that there is nothing
to do. And at each run the theme is put together anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.runtime.state.common import user_key_from_element_id
from streamlit.runtime.state.safe_session_state import SafeSessionState

FURTHER = "further_message"
"""The key of the fragment that takes a message by itself, where a page has one."""
BOX = "chat_message"
"""The key of the box whose words it takes."""
OF_THE_PAGE = ("chat_stop", "chat_regenerate", "chat_edit_", "chat_forget_", "FormSubmitter:chat_edit_")
"""How the keys of the buttons begin that concern all of the page, in whatever fragment they stand."""
LOOKERS = 64
"""So many visits can look at once: a store that is silent keeps each for a second or two."""
_LOOK, _LOOKING = "runs_look", "_runs_looking"


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


def keep_endings() -> None:
    """Have a browser told that fragments were drawn to their end, though others are drawn next."""
    clear = ForwardMsgQueue.clear
    if hasattr(clear, "__wrapped__"):
        return

    @wraps(clear)
    def told(
        self: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        begun, kept = set(fragment_ids_this_run or ()), list[tuple[ForwardMsg, list[str]]]()
        for message in self._queue if begun else ():
            if message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
                # What is drawn again tells its end itself.
                kept.append((message, [id for id in message.metadata.run.fragment_ids if id not in begun]))
        clear(self, retain_lifecycle_msgs, fragment_ids_this_run)
        for message, ended in kept:
            if ended:
                message.script_finished = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
                message.metadata.run.fragment_ids[:] = ended

    ForwardMsgQueue.clear = told  # type: ignore[method-assign]


def tick_quietly() -> None:
    """Have what is drawn again by itself bring no values: the browser's may be older than those the page has now."""
    made = app_session.RerunData
    if hasattr(made, "__wrapped__"):
        return

    @wraps(made)
    def asked(*args: Any, **fields: Any) -> RerunData:
        if fields.get("is_auto_rerun"):
            fields["widget_states"] = None
        return made(*args, **fields)

    app_session.RerunData = asked  # type: ignore[misc, assignment]


def look_first() -> None:
    """Have a fragment that is drawn again by itself look, where it has said how, before a run is begun for it.

    While something runs for the visit, or the last look is not over, it does not look: the next time comes soon.
    """
    begin = app_session.AppSession._handle_rerun_script_request
    if hasattr(begin, "looks_first"):
        return

    @wraps(begin)
    def handle(self: app_session.AppSession, client_state: Any = None) -> None:
        look = _look(self, client_state.fragment_id) if client_state and client_state.is_auto_rerun else None
        if look is None:
            begin(self, client_state)
        elif self._state is app_session.AppSessionState.APP_NOT_RUNNING and not getattr(self, _LOOKING, False):
            setattr(self, _LOOKING, True)
            _lookers().submit(_looked, self, look, lambda: begin(self, client_state))

    handle.looks_first = True  # type: ignore[attr-defined]
    app_session.AppSession._handle_rerun_script_request = handle  # type: ignore[method-assign]


def _look(session: app_session.AppSession, fragment: str) -> Callable[[], bool] | None:
    try:
        of, look = session._session_state[_LOOK]
    except KeyError:
        return None
    return look if of == fragment else None


def _looked(session: app_session.AppSession, look: Callable[[], bool], draw: Callable[[], None]) -> None:
    try:
        found = look()
    except Exception:  # the fragment says what is wrong
        found = True
    finally:
        setattr(session, _LOOKING, False)
    if found:
        session._call_soon_on_event_loop(draw)


@cache
def _lookers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(LOOKERS, thread_name_prefix="look")


def where(look: Callable[[], bool]) -> None:
    """Have the fragment that is being drawn be drawn again by itself only where `look` says so.

    It is called in a thread that knows no visit; where it fails, the fragment is drawn. A visit has one such fragment.
    """
    context = get_script_run_ctx()
    if context is not None and (fragment := ThreadState.get().fragment_id):
        context.session_state[_LOOK] = (fragment, look)


def answer_alone() -> None:
    """Have words from the box run the page's fragment `FURTHER`, where it has one and nothing else runs.

    What a fragment cannot do it leaves to the whole page by `st.rerun()`. A click on one of `OF_THE_PAGE` has the whole
    page drawn at once, though a fragment has drawn the button.
    """
    begin = app_session.AppSession._handle_rerun_script_request
    if hasattr(begin, "answers_alone"):
        return

    @wraps(begin)
    def handle(self: app_session.AppSession, client_state: Any = None) -> None:
        if client_state and not client_state.fragment_id and self._state is app_session.AppSessionState.APP_NOT_RUNNING:
            said = [one.chat_input_value for one in client_state.widget_states.widgets if _is_said(one)]
            further = _named(self._fragment_storage, FURTHER) if said else []
            # Files are taken by the whole page.
            if further and not any(one.file_uploader_state.uploaded_file_info for one in said):
                client_state.fragment_id = further[0]
        elif client_state and client_state.fragment_id and any(map(_of_the_page, client_state.widget_states.widgets)):
            client_state.fragment_id = ""
        begin(self, client_state)

    handle.answers_alone = True  # type: ignore[attr-defined]
    app_session.AppSession._handle_rerun_script_request = handle  # type: ignore[method-assign]


def _is_said(state: Any) -> bool:
    said = state.WhichOneof("value") == "chat_input_value" and bool(state.chat_input_value.ListFields())
    return said and user_key_from_element_id(state.id) == BOX


def _of_the_page(state: Any) -> bool:
    clicked = state.WhichOneof("value") == "trigger_value" and state.trigger_value
    return clicked and (user_key_from_element_id(state.id) or "").startswith(OF_THE_PAGE)


def then(*keys: str) -> None:
    """Have the fragments of these keys drawn after this run, in this order; one that the page has not is left out."""
    context = get_script_run_ctx()
    if context is None or context.script_requests is None:
        return
    ids = [id for key in keys for id in _named(context.fragment_storage, key)]
    asked = RerunData(
        query_string=context.query_string,
        page_script_hash=context.page_script_hash,
        fragment_id_queue=ids,
        cached_message_hashes=context.cached_message_hashes,
        context_info=context.context_info,
    )
    if ids:
        context.script_requests.request_rerun(asked)


def _named(fragments: Any, key: str) -> list[str]:
    """Return the ids of the fragments with a key."""
    return list(fragments._ids_by_target_key.get(key, ()))


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
