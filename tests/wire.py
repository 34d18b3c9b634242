"""A tab without a browser: it speaks Streamlit's protocol over a websocket, draws the page, types, presses, uploads.

tab = Tab(server.url, f"{name}={value}")        # the cookie of the server's own
tab.say("I like tea.")
tab.until(lambda: tab.sees("Turn 1 ·"))
tab.press("chat_regenerate")                    # by the key that the page gave the button
tab.close()

What is drawn is kept by its place, as a browser keeps it; the page's own timers are answered while one waits.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0
_TICK = 0.05
States = list[tuple[str, Callable[[Any], None]]]
"""Ids of widgets, each with what fills in its value."""


class Gone(Exception):
    """The server is not there, or went away."""


class Tab:
    """One tab at a path such as "compare"; raises Gone where the server does, also later at each call."""

    def __init__(self, url: str, cookie: str, path: str = "", query: str = "", brought: States | None = None) -> None:
        self.url, self.cookie, self.query = url, cookie, query
        self.drawn: dict[tuple[int, ...], Any] = {}
        """The elements on the page by their places."""
        self.running, self.runs = False, 0
        self._fresh: set[tuple[int, ...]] = set()
        self._timers: dict[str, tuple[float, float]] = {}
        self._page, self._session, self._files = "", "", dict[str, Any]()
        headers = {"Cookie": cookie, "Origin": url}
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        protocols: Any = ["streamlit"]
        try:
            self._line: ClientConnection = connect(
                address,
                additional_headers=headers,
                subprotocols=protocols,
                max_size=None,
                ping_interval=None,
                close_timeout=0.2,
            )
        except (OSError, WebSocketException) as error:
            raise Gone from error
        self._send(brought, path=path)
        self.settled()

    def again(self) -> Tab:
        """Connect again as a browser does by itself, with what stood in the page's pills."""

        def kept(group: Any) -> Callable[[Any], None]:
            chosen = [group.options[place].content for place in group.default]
            return lambda state: state.string_array_value.data.extend(chosen)

        self.close()
        return Tab(self.url, self.cookie, query=self.query, brought=[(g.id, kept(g)) for g in self.all("button_group")])

    def close(self) -> None:
        try:
            self._line.close()
        except OSError:
            pass

    # --- what one does

    def say(self, text: str) -> None:
        """Send a message from the chat's box."""

        def typed(state: Any) -> None:
            state.chat_input_value.data = text

        self.until(lambda: any(not box.disabled for box in self.all("chat_input")))
        (box,) = self.all("chat_input")
        box.set_value = False
        self._send([(box.id, typed)])

    def press(self, key: str) -> None:
        """Press a button by its key or by its label, when it is there."""
        self.until(lambda: self.has(key))

        def pressed(state: Any) -> None:
            state.trigger_value = True

        self._send([(self.button(key).id, pressed)])

    def choose(self, kind: str, label: str, place: int) -> None:
        """Choose one of the radio or of the pills of that label, by its place."""

        self.until(lambda: self.labelled(kind, label))
        found = self.labelled(kind, label)[0]

        def chosen(state: Any) -> None:
            if kind == "radio":
                state.string_value = found.options[place]
            else:
                state.string_array_value.data.append(found.options[place].content)

        self._send([(found.id, chosen)])

    def upload(self, name: str, data: bytes, button: str) -> None:
        """Give a file to the page's first box for files and press the button of its form."""
        asked: Any = BackMsg()
        asked.file_urls_request.request_id = number = uuid.uuid4().hex
        asked.file_urls_request.file_names.append(name)
        asked.file_urls_request.session_id = self._session
        self._write(asked)
        self.until(lambda: number in self._files)
        place = self._files.pop(number)
        try:
            token = httpx.get(f"{self.url}/_stcore/health").cookies.get("_streamlit_xsrf", "")
            httpx.put(
                self.url + place.upload_url,
                files={"file": (name, data)},
                headers={"Cookie": f"{self.cookie}; _streamlit_xsrf={token}", "X-Xsrftoken": token},
                timeout=PATIENCE,
            ).raise_for_status()
        except httpx.TransportError as error:
            raise Gone from error

        def given(state: Any) -> None:
            info = state.file_uploader_state_value.uploaded_file_info.add()
            info.file_id, info.name, info.size = place.file_id, name, len(data)
            info.file_urls.CopyFrom(place)

        def pressed(state: Any) -> None:
            state.trigger_value = True

        self._send([(self.all("file_uploader")[0].id, given), (self.button(button).id, pressed)])

    # --- what one sees

    def all(self, kind: str) -> list[Any]:
        """Return all elements of a kind, as "button", in their order."""
        return [getattr(one, kind) for _, one in sorted(self.drawn.items()) if one.WhichOneof("type") == kind]

    def labelled(self, kind: str, label: str) -> list[Any]:
        return [one for one in self.all(kind) if one.label == label]

    def button(self, key: str) -> Any:
        return next(one for one in self.all("button") if one.id.endswith(f"-{key}") or one.label == key)

    def has(self, key: str) -> bool:
        """Whether there is such a button, and it can be pressed."""
        found = [one for one in self.all("button") if one.id.endswith(f"-{key}") or one.label == key]
        return bool(found) and not found[0].disabled

    @property
    def written(self) -> str:
        """What the page put into the chat's box, as where it gives a message back; empty where it put nothing.

        Without the blank behind words that it gives back once more.
        """
        return "".join(box.value.rstrip() for box in self.all("chat_input") if box.set_value)

    @property
    def text(self) -> str:
        """All that is written on the page, below each other."""
        words = [one.body for one in self.all("markdown")] + [one.body for one in self.all("text")]
        return "\n".join([*words, *(one.body for one in self.all("alert"))])

    def sees(self, text: str) -> bool:
        return text in self.text

    def until(self, met: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Let the page go on until that holds; raises AssertionError with what is on it where it never does."""
        deadline = time.monotonic() + seconds
        while not met():
            assert not self.all("exception"), f"the page broke: {self.all('exception')}"
            if time.monotonic() > deadline:
                raise AssertionError(f"not seen in {seconds:g} s on this page:\n{self.text}")
            self._listen()

    def settled(self) -> None:
        """Wait until what was asked for last is drawn."""
        self.until(lambda: not self.running)

    # --- the protocol

    def _send(self, states: States | None = None, fragment: str = "", path: str = "") -> None:
        message: Any = BackMsg()
        run = message.rerun_script
        run.query_string, run.page_script_hash = self.query, self._page
        if path:
            run.page_name = path
        if fragment:
            run.fragment_id, run.is_auto_rerun = fragment, True
        for id, fill in states or ():
            state = run.widget_states.widgets.add()
            state.id = id
            fill(state)
        self.running = True
        self._write(message)

    def _write(self, message: Any) -> None:
        try:
            self._line.send(message.SerializeToString())
        except (OSError, WebSocketException) as error:
            raise Gone from error

    def _listen(self) -> None:
        for fragment, (due, interval) in list(self._timers.items()):
            if time.monotonic() > due:
                self._timers[fragment] = (time.monotonic() + interval, interval)
                self._send(fragment=fragment)
        try:
            raw = self._line.recv(_TICK)
        except TimeoutError:
            return
        except (OSError, WebSocketException) as error:
            raise Gone from error
        message: Any = ForwardMsg()
        message.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
        self._take(message)

    def _take(self, message: Any) -> None:
        match message.WhichOneof("type"):
            case "new_session":
                self.running, self._page = True, message.new_session.page_script_hash
                self._session = message.new_session.initialize.session_id
                if not message.metadata.run.fragment_ids:
                    self._fresh, self._timers = set(), {}
            case "navigation":
                self._page = message.navigation.page_script_hash
            case "delta":
                place = tuple(message.metadata.delta_path)
                if message.delta.WhichOneof("type") == "new_element":
                    self.drawn[place] = message.delta.new_element
                    self._fresh.add(place)
                else:
                    self.drawn.pop(place, None)
            case "script_finished":
                # 2 is a run that is begun anew at once.
                self.running = message.script_finished == 2
                # 0 is a whole run that came to its end: what it did not draw is gone from the page.
                if message.script_finished == 0:
                    self.runs += 1
                    self.drawn = {place: one for place, one in self.drawn.items() if place in self._fresh}
            case "auto_rerun":
                asked = message.auto_rerun
                self._timers[asked.fragment_id] = (time.monotonic() + asked.interval, asked.interval)
            case "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    self._timers.pop(fragment, None)
            case "file_urls_response":
                for place in message.file_urls_response.file_urls:
                    self._files[message.file_urls_response.response_id] = place
