"""A real HTTP server that speaks OpenAI's chat completions protocol, and misbehaves when it is asked to.

    with openai_server() as server:                  # server.url == "http://127.0.0.1:41234/v1"
        server.script(Answer(text="Hello."), Answer(status=429, headers={"retry-after": "7"}))
        ...                                          # two requests get these; then the model's name decides
        server.requests[-1].body["messages"]

`python -m tests.openai_server --port 8765` runs it by hand. What a model does is its name (see `BEHAVIOURS`):
`echo` (and any unknown name) repeats the last user message, `slow`, `silent`, `break`, `cut`, `401`, `429`,
`quota`, `context`, `tools`, ... Tokens are counted as GPT-5's are, and a prompt that begins like an earlier one
is reported as cached under OpenAI's rule: from 1,024 tokens on, in steps of 128.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from memory.tokens import count_tokens


@dataclass(frozen=True)
class Answer:
    """What one request gets; the fields that are None follow from the request."""

    text: str | None = None
    tool_calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    # The arguments of one more call, as they stand: for arguments that are no JSON.
    broken_call: str | None = None
    finish: str | None = None
    usage: dict[str, Any] | None = None
    first_delay: float = 0.0
    chunk_delay: float = 0.0
    # Ends after so many pieces of text: "reset" breaks the connection, "close" ends it as if all were well,
    # "error" sends an error in the stream.
    stop_after: int | None = None
    stop_how: str = "reset"
    status: int = 200
    error: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: str | None = None
    # Waits until all requests have come that this barrier is for.
    together: threading.Barrier | None = None


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def _error(status: int, code: str | None, message: str, retry_after: str | None = None) -> Answer:
    kind = code if code == "insufficient_quota" else "invalid_request_error" if status < 429 else "server_error"
    headers = {"retry-after": retry_after} if retry_after else {}
    return Answer(status=status, error={"message": message, "type": kind, "param": None, "code": code}, headers=headers)


BEHAVIOURS: dict[str, Answer] = {
    "echo": Answer(),
    "slow": Answer(first_delay=1.0, chunk_delay=0.2),
    "silent": Answer(first_delay=600.0),
    "stall": Answer(text="This answer stops here and never ends.", stop_after=3, stop_how="stall"),
    "break": Answer(text="This answer breaks off in the middle of a sentence.", stop_after=4),
    "cut": Answer(text="This answer ends early without saying so.", stop_after=4, stop_how="close"),
    "stream-error": Answer(text="This answer ends with an error.", stop_after=3, stop_how="error"),
    "length": Answer(text="This answer ran out of", finish="length"),
    "filter": Answer(text="", finish="content_filter"),
    "empty": Answer(text=""),
    "html": Answer(raw="<html><body>It works!</body></html>"),
    "400": _error(400, "invalid_value", "Invalid value: 'robot'."),
    "401": _error(401, "invalid_api_key", "Incorrect API key provided: {key}. You can find it in your account."),
    "403": _error(403, "unsupported_country_region_territory", "Country, region, or territory not supported"),
    "404": _error(404, "model_not_found", "The model `404` does not exist or you do not have access to it."),
    "429": _error(429, "rate_limit_exceeded", "Rate limit reached for requests. Please try again in 7s.", "7"),
    "quota": _error(429, "insufficient_quota", "You exceeded your current quota, please check your plan."),
    "500": _error(500, None, "The server had an error while processing your request."),
    "503": _error(503, None, "The engine is currently overloaded, please try again later.", "3"),
    "context": _error(400, "context_length_exceeded", "This model's maximum context length is 8192 tokens."),
    "refuse": _error(400, "content_policy_violation", "Your prompt was flagged as violating our usage policy."),
}


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(part.get("text", "") if isinstance(part, dict) else str(part) for part in content)
    return content if isinstance(content, str) else ""


def _reply(body: dict[str, Any]) -> str:
    """Answer as a model would, and the same for the same request."""
    messages = body["messages"]
    last = next((_text(message.get("content")) for message in reversed(messages) if message["role"] == "user"), "")
    asked = _text(messages[0].get("content")) + " " + last
    if "summar" in asked.lower():
        words = last.split()
        return "Summary: " + " ".join(words[-20:])
    if messages[-1]["role"] == "tool":
        return f"The tool said: {_text(messages[-1].get('content'))}"
    return f"You said: {last}"


def _prompt(body: dict[str, Any]) -> str:
    tools = [json.dumps(body["tools"])] if body.get("tools") else []
    return "\n".join(tools + [f"{message['role']}: {_text(message.get('content'))}" for message in body["messages"]])


def _shared(one: str, other: str) -> int:
    """Count the characters with which both begin."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client goes away; print what is this server's own fault."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Server:
    """The state behind the handler: the script, the requests so far, the prompts that are cached."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        # Models that a function answers for, by name.
        self.speakers: dict[str, Callable[[dict[str, Any]], Answer]] = {}
        self.stopped = threading.Event()
        self._script: deque[Answer] = deque()
        self._prompts: deque[str] = deque(maxlen=50)
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"state": self})
        self._http = _Quiet(("127.0.0.1", port), handler)
        # The tokenizer takes a second to load; no request waits for it.
        count_tokens("warm")
        self.port: int = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def script(self, *answers: Answer) -> None:
        """Answer the next requests with these, whatever model they name."""
        self._script.extend(answers)

    def run(self) -> None:
        self._http.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()

    def next_answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            if self._script:
                return self._script.popleft()
        if speak := self.speakers.get(request.body["model"]):
            return speak(request.body)
        if (
            request.body["model"] == "tools"
            and request.body.get("tools")
            and request.body["messages"][-1]["role"] != "tool"
        ):
            return Answer(tool_calls=(self._first_tool(request.body["tools"]),))
        return BEHAVIOURS.get(request.body["model"], Answer())

    @staticmethod
    def _first_tool(tools: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        """Call the first tool with a value of the right type for each required argument."""
        function = tools[0]["function"]
        values: dict[str, Any] = {
            "string": "example",
            "integer": 1,
            "number": 1.5,
            "boolean": True,
            "array": [],
            "object": {},
        }
        schema = function.get("parameters") or {}
        properties = schema.get("properties", {})
        return function["name"], {
            name: values.get(properties[name].get("type"), "example") for name in schema.get("required", [])
        }

    def usage(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        prompt = _prompt(body)
        with self._lock:
            shared = max((_shared(prompt, earlier) for earlier in self._prompts), default=0)
            self._prompts.append(prompt)
        cached = count_tokens(prompt[:shared])
        cached = cached // 128 * 128 if cached >= 1_024 else 0
        inputs, outputs = count_tokens(prompt), count_tokens(text)
        return {
            "prompt_tokens": inputs,
            "completion_tokens": outputs,
            "total_tokens": inputs + outputs,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


class _Handler(BaseHTTPRequestHandler):
    state: Server
    protocol_version = "HTTP/1.1"
    # Without it a small chunk waits 40 ms for the acknowledgement of the one before.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a test's output is its own."""

    def do_GET(self) -> None:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "test"} for name in BEHAVIOURS]
        self._send(200, {"object": "list", "data": models}) if self.path == "/v1/models" else self._send(404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        if self.path != "/v1/chat/completions":
            return self._send(
                404, {"error": {"message": f"Unknown request URL: POST {self.path}.", "code": "unknown_url"}}
            )
        answer = self.state.next_answer(request)
        if answer.together:
            answer.together.wait(60)
        if self.state.stopped.wait(answer.first_delay):
            return None
        try:
            if answer.raw is not None:
                self._send_text(answer.status, answer.raw, "text/html", answer.headers)
            elif answer.status != 200:
                key = request.headers.get("authorization", "").removeprefix("Bearer ")
                error = answer.error or {"message": f"Status {answer.status}", "type": "error", "code": None}
                error = {**error, "message": str(error.get("message", "")).replace("{key}", key)}
                self._send(answer.status, {"error": error}, answer.headers)
            elif body.get("stream"):
                self._stream(body, answer)
            else:
                self._send(200, self._whole(body, answer), answer.headers)
        except (BrokenPipeError, ConnectionResetError):
            # The caller gave up, as when somebody presses Stop.
            self.close_connection = True

    def _send(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send_text(status, json.dumps(value), "application/json", headers or {})

    def _send_text(self, status: int, text: str, kind: str, headers: dict[str, str]) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _whole(self, body: dict[str, Any], answer: Answer) -> dict[str, Any]:
        text = self._reply_text(body, answer)
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if calls := self._calls(answer):
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish(answer)}
        usage = answer.usage or self.state.usage(body, text)
        return {**self._frame(body, "chat.completion"), "choices": [choice], "usage": usage}

    def _stream(self, body: dict[str, Any], answer: Answer) -> None:
        text = self._reply_text(body, answer)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        # "close" can only pass for the end of an answer where no length is announced.
        closes = answer.stop_how == "close" and answer.stop_after is not None
        self.send_header(*(("connection", "close") if closes else ("transfer-encoding", "chunked")))
        self.end_headers()
        self._chunked = not closes
        self.close_connection = closes

        frame = self._frame(body, "chat.completion.chunk")
        deltas: list[dict[str, Any]] = [{"content": piece} for piece in _split(text)]
        deltas += [{"tool_calls": [{"index": index, **call}]} for index, call in enumerate(self._calls(answer))]
        self._event({**frame, "choices": [_choice({"role": "assistant", "content": ""})]})
        for number, delta in enumerate(deltas):
            if number == answer.stop_after:
                return self._stop(answer)
            if number and self.state.stopped.wait(answer.chunk_delay):
                return None
            self._event({**frame, "choices": [_choice(delta)]})
        self._event({**frame, "choices": [_choice({}, self._finish(answer))]})
        if (body.get("stream_options") or {}).get("include_usage"):
            self._event({**frame, "choices": [], "usage": answer.usage or self.state.usage(body, text)})
        self._write(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")
        return None

    def _stop(self, answer: Answer) -> None:
        if answer.stop_how == "stall":
            self.state.stopped.wait(600)
        if answer.stop_how == "error":
            self._event({"error": {"message": "The server had an error.", "type": "server_error", "code": None}})
            self.wfile.write(b"0\r\n\r\n")
        if answer.stop_how == "reset":
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _event(self, value: dict[str, Any]) -> None:
        self._write(f"data: {json.dumps(value)}\n\n".encode())

    def _write(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)
        self.wfile.flush()

    @staticmethod
    def _reply_text(body: dict[str, Any], answer: Answer) -> str:
        if answer.tool_calls and answer.text is None:
            return ""
        return _reply(body) if answer.text is None else answer.text

    @staticmethod
    def _finish(answer: Answer) -> str:
        return answer.finish or ("tool_calls" if answer.tool_calls else "stop")

    @staticmethod
    def _calls(answer: Answer) -> list[dict[str, Any]]:
        made = [(name, json.dumps(arguments)) for name, arguments in answer.tool_calls]
        made += [("broken", answer.broken_call)] if answer.broken_call is not None else []
        return [
            {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for index, (name, arguments) in enumerate(made)
        ]

    @staticmethod
    def _frame(body: dict[str, Any], kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-test", "object": kind, "created": int(time.time()), "model": body["model"]}


def _choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _split(text: str) -> list[str]:
    """Cut a text into pieces of a word each, with the space before it."""
    words = text.split(" ")
    return [words[0], *(" " + word for word in words[1:])] if text else []


@contextmanager
def openai_server(port: int = 0) -> Iterator[Server]:
    server = Server(port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.openai_server", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8765)
    running = Server(parser.parse_args().port)
    print(f"OPENAI_BASE_URL={running.url}\nmodels: {' '.join(BEHAVIOURS)} tools", flush=True)
    try:
        running.run()
    except KeyboardInterrupt:
        pass
