"""Who is asking: one signed cookie per browser, and no account.

The browser's first HTML document brings a random id, signed, in an HttpOnly cookie; that id is the `user_id` of
everything stored. Reload, restart and a second tab carry it along, another browser has another. The id never stands
in a URL, so a link that is passed on gives nobody's conversations away.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from itsdangerous import BadSignature, TimestampSigner

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_AGE = 365 * 24 * 3600  # seconds
REFRESH_AFTER = 30 * 24 * 3600  # seconds; an older cookie is signed anew, so a regular visitor never loses it
SECRET_FILE = "cookie-secret"

_SESSION_KEY = "identity.session_user"


@dataclass(frozen=True)
class Owner:
    """The user's id, and whether it lasts only as long as this tab because the browser refuses cookies."""

    id: str
    cookies_blocked: bool = False


class Cookies:
    """Signs, reads and renews owner ids with one secret."""

    def __init__(self, secret: str, name: str = "memory_owner") -> None:
        self.name = name
        self._signer = TimestampSigner(secret, salt="memory-inspector.owner", digest_method=hashlib.sha256)

    def sign(self, owner: str) -> str:
        return self._signer.sign(owner).decode()

    def read(self, value: str | None, *, max_age: int = MAX_AGE) -> str | None:
        """The owner id in a cookie's value; None when it is missing, forged or older than `max_age` seconds."""
        if not value:
            return None
        try:
            owner, signed = self._signer.unsign(value, return_timestamp=True)
            # A clock that was set back since makes it younger than nothing, and nobody else's.
            return None if time.time() - signed.timestamp() > max_age else owner.decode()
        except (BadSignature, UnicodeError):
            return None

    def renewed(self, value: str | None) -> str | None:
        """The value to set in answer to `value`: a new owner, the same one signed anew, or None to leave it."""
        owner = self.read(value)
        if owner is None:
            return self.sign(secrets.token_urlsafe(24))
        return self.sign(owner) if self.read(value, max_age=REFRESH_AFTER) is None else None


def load_secret(folder: Path) -> str:
    """Read the folder's signing secret; the first process to ask makes it, for its user's eyes only."""
    path = folder / SECRET_FILE
    if not path.exists():
        # Written aside and linked into place, so nobody ever reads half a secret and the first of two writers wins.
        handle, aside = tempfile.mkstemp(prefix=f".{SECRET_FILE}-", dir=folder)  # mkstemp: O_EXCL, 0600
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(aside)
    return path.read_text()


@lru_cache(maxsize=1)
def cookies() -> Cookies:
    """The cookies of this server: COOKIE_SECRET where several servers share it, else the data folder's own secret."""
    if secret := os.environ.get("COOKIE_SECRET"):
        return Cookies(secret)
    from memory.server.data_folder import data_folder  # not before the first request, which is when it is needed

    secret = load_secret(Path(data_folder()))
    # Browsers share cookies between ports: two servers on one host with their own secrets need two names,
    # or each would take the other's cookie for a forgery and replace it.
    return Cookies(secret, f"memory_owner_{hashlib.sha256(secret.encode()).hexdigest()[:8]}")


class OwnerCookie:
    """ASGI middleware that gives the cookie with the HTML document, and with nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_document(scope, message):
                jar = cookies()
                if value := jar.renewed(_cookie(scope, jar.name)):
                    https = "; Secure" if scope.get("scheme") == "https" else ""
                    header = f"{jar.name}={value}; Max-Age={MAX_AGE}; Path=/; HttpOnly; SameSite=Lax{https}"
                    message["headers"] = [*message["headers"], (b"set-cookie", header.encode("latin-1"))]
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def _is_document(scope: Scope, response: Message) -> bool:
    if response["status"] == 304:  # the browser has the document, but perhaps no longer the cookie
        accept: bytes = dict(scope["headers"]).get(b"accept", b"")
        return b"text/html" in accept
    kind: bytes = dict(response["headers"]).get(b"content-type", b"")
    return response["status"] == 200 and kind.startswith(b"text/html")


def _cookie(scope: Scope, name: str) -> str | None:
    jar: SimpleCookie = SimpleCookie()
    for key, value in scope["headers"]:
        if key == b"cookie":
            for pair in value.decode("latin-1").split(";"):  # one by one: a foreign odd cookie must not hide ours
                try:
                    jar.load(pair.strip())
                except CookieError:
                    continue
    return jar[name].value if name in jar else None


def owner_id() -> Owner:
    """The owner of this visit. The only way to learn it, so a test replaces this one function."""
    jar = cookies()
    if owner := jar.read(st.context.cookies.get(jar.name)):
        return Owner(owner)
    # Not one shared stand-in: two people without cookies must not meet.
    return Owner(st.session_state.setdefault(_SESSION_KEY, secrets.token_urlsafe(24)), cookies_blocked=True)
