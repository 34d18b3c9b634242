"""The owner's cookie: signing, renewal, the secret, and the middleware without a browser."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from itsdangerous import TimestampSigner

from pages.ui import identity
from pages.ui.identity import MAX_AGE, REFRESH_AFTER, Cookies, OwnerCookie, load_secret

JAR = Cookies("a secret for the tests")


@pytest.fixture(autouse=True)
def _forget_the_servers_cookies() -> Iterator[None]:
    identity.cookies.cache_clear()
    yield
    identity.cookies.cache_clear()


def signed_at(owner: str, seconds_ago: int) -> str:
    now = TimestampSigner.get_timestamp
    with patch.object(TimestampSigner, "get_timestamp", lambda self: now(self) - seconds_ago):
        return JAR.sign(owner)


def respond(
    path: str = "/",
    *,
    method: str = "GET",
    status: int = 200,
    kind: bytes = b"text/html; charset=utf-8",
    scheme: str = "http",
    cookie: str | None = None,
    accept: bytes = b"text/html,*/*",
) -> list[str]:
    """What the middleware sets as cookies when the app behind it answers like this."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", kind)] if status == 200 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"accept", accept)] + ([(b"cookie", cookie.encode())] if cookie else [])
    scope = {"type": "http", "method": method, "path": path, "scheme": scheme, "headers": headers}
    with patch.object(identity, "cookies", lambda: JAR):
        asyncio.run(OwnerCookie(inner)(scope, None, send))  # type: ignore[arg-type]
    return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


def value_of(set_cookie: str) -> str:
    return set_cookie.split("=", 1)[1].split(";")[0]


def test_the_first_document_brings_a_signed_cookie_that_scripts_cannot_read() -> None:
    (header,) = respond()
    assert JAR.read(value_of(header))
    assert "; HttpOnly" in header
    assert "; SameSite=Lax" in header
    assert "; Path=/" in header
    assert f"; Max-Age={MAX_AGE}" in header
    assert "Secure" not in header


def test_the_cookie_is_secure_where_the_page_is() -> None:
    assert "; Secure" in respond(scheme="https")[0]


def test_an_owner_has_more_than_128_random_bits_and_no_two_are_equal() -> None:
    owners = {JAR.read(value_of(respond()[0])) or "" for _ in range(50)}
    assert len(owners) == 50
    assert all(len(owner) * 6 >= 128 for owner in owners)


def test_a_known_browser_keeps_its_cookie() -> None:
    assert respond(cookie=f"memory_owner={JAR.sign('ann')}") == []


def test_a_cookie_older_than_a_month_is_signed_anew_for_the_same_owner() -> None:
    (header,) = respond(cookie=f"memory_owner={signed_at('ann', REFRESH_AFTER + 60)}")
    assert JAR.read(value_of(header)) == "ann"
    assert JAR.read(value_of(header), max_age=60) == "ann"


def test_a_cookie_older_than_a_year_is_replaced_by_a_new_owner() -> None:
    (header,) = respond(cookie=f"memory_owner={signed_at('ann', MAX_AGE + 60)}")
    assert JAR.read(value_of(header)) not in (None, "ann")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("ann", id="unsigned"),
        pytest.param("ann.x.y", id="made up"),
        pytest.param(JAR.sign("ann")[:-1], id="cut off"),
        pytest.param("bob" + JAR.sign("ann")[3:], id="another's"),
        pytest.param(Cookies("another secret").sign("ann"), id="by another secret"),
        pytest.param(TimestampSigner("a secret for the tests").sign("ann").decode(), id="by another signer"),
        "..",
        "é",
        '"',
    ],
)
def test_a_forged_cookie_is_replaced_by_a_new_owner(value: str) -> None:
    (header,) = respond(cookie=f"memory_owner={value}")
    assert JAR.read(value_of(header)) not in (None, "ann", "bob")


@pytest.mark.parametrize("cookie", ["", "a=1; ", "bad cookie; a[]=1; {}; ", '$x="; '])
def test_other_cookies_do_not_hide_ours(cookie: str) -> None:
    assert respond(cookie=f"{cookie}memory_owner={JAR.sign('ann')}; z=1") == []


@pytest.mark.parametrize(
    "response",
    [
        {"path": "/_stcore/health", "kind": b"text/plain"},
        {"path": "/static/js/index.js", "kind": b"text/javascript"},
        {"path": "/", "method": "HEAD"},
        {"path": "/", "method": "POST"},
        {"path": "/static/js/index.js", "status": 304, "accept": b"*/*"},
        {"path": "/nowhere", "status": 404},
    ],
    ids=lambda response: " ".join(str(value) for value in response.values()),
)
def test_nothing_but_the_document_brings_a_cookie(response: dict[str, Any]) -> None:
    assert respond(**response) == []


def test_a_browser_that_kept_the_document_but_not_the_cookie_gets_one() -> None:
    assert len(respond(status=304)) == 1


def test_a_websocket_passes_untouched() -> None:
    seen: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    scope = {"type": "websocket"}
    asyncio.run(OwnerCookie(inner)(scope, None, None))  # type: ignore[arg-type]
    assert seen == [(scope, None, None)]


def test_the_secret_is_made_once_for_its_owners_eyes_and_kept(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert len(secret) >= 43  # 256 bits
    assert load_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "cookie-secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["cookie-secret"]


def test_starters_that_race_for_the_secret_agree_on_one(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(load_secret, [folder] * 8))) == 1


def test_servers_with_one_secret_in_the_environment_know_each_others_browsers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COOKIE_SECRET", "shared by all replicas")
    one = identity.cookies()
    identity.cookies.cache_clear()
    assert identity.cookies().read(one.sign("ann")) == "ann"
    assert one.name == "memory_owner"


def test_two_data_folders_on_one_host_do_not_take_each_others_cookies(
    monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    names = set()
    for folder in ("one", "two"):
        monkeypatch.setenv("MEMORY_INSPECTOR_HOME", str(scratch / folder))
        identity.cookies.cache_clear()
        names.add(identity.cookies().name)
        assert stat.S_IMODE((scratch / folder).stat().st_mode) == 0o700
    assert len(names) == 2
