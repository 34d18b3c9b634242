"""Who one is, in a real browser: one owner per browser, over reloads, tabs and restarts of the server.

python -m pytest tests/browser/test_identity.py
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import CHROMIUM_ARGS, PATIENCE, chromium_path
from tests.browser.person import NewContext, settled
from tests.browser.server import AppServer, running_app

# The same entry as app.py's, with a page that shows whom it talks to, and from which process.
OWNER_APP = """
import os
import streamlit as st
from pages.ui.identity import OwnerCookie, owner_id
if __name__ != "__main__":
    from starlette.middleware import Middleware
    app = st.App(__file__, middleware=[Middleware(OwnerCookie)])
else:
    owner = owner_id()
    st.session_state.setdefault("visits", 0)
    st.session_state["visits"] += 1
    st.text(f"owner={owner.id} blocked={owner.cookies_blocked} visits={st.session_state.visits} process={os.getpid()}")
    st.button("Again")
"""


def owner_shown(page: Page) -> dict[str, str]:
    line = page.get_by_text("owner=").first
    expect(line).to_be_visible()
    return dict(pair.split("=", 1) for pair in line.inner_text().split())


@pytest.fixture(scope="module")
def owner_app(scratch: Path) -> Iterator[AppServer]:
    script = scratch / "owner.py"
    script.write_text(OWNER_APP)
    with running_app(script) as server:
        yield server


def test_the_document_brings_a_cookie_that_scripts_cannot_see(app: AppServer, new_context: NewContext) -> None:
    context = new_context()
    page = context.new_page()
    with_cookie: list[str] = []

    def note(response: Any) -> None:
        if "memory_owner" in (response.all_headers().get("set-cookie") or ""):
            with_cookie.append(response.url)

    page.on("response", note)
    page.goto(app.url)
    settled(page)
    assert with_cookie == [f"{app.url}/"]
    (cookie,) = [cookie for cookie in context.cookies() if cookie["name"].startswith("memory_owner")]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert cookie["expires"] > time.time() + 360 * 24 * 3600
    assert "memory_owner" not in page.evaluate("document.cookie")


def test_a_health_probe_gets_no_owner(app: AppServer, new_context: NewContext) -> None:
    response = new_context().request.get(f"{app.url}/_stcore/health")
    assert "memory_owner" not in response.headers.get("set-cookie", "")


def test_the_first_run_of_the_script_already_knows_the_owner(owner_app: AppServer, new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto(owner_app.url)
    shown = owner_shown(page)
    assert shown["blocked"] == "False"
    assert shown["visits"] == "1"
    assert len(shown["owner"]) >= 22


def test_a_reload_and_a_second_tab_have_the_same_owner_and_another_browser_another(
    owner_app: AppServer, new_context: NewContext
) -> None:
    context = new_context()
    page, second = context.new_page(), context.new_page()
    page.goto(owner_app.url)
    owner = owner_shown(page)["owner"]
    page.reload()
    assert owner_shown(page)["owner"] == owner
    second.goto(owner_app.url)
    assert owner_shown(second) | {"process": ""} == {"owner": owner, "blocked": "False", "visits": "1", "process": ""}
    stranger = new_context().new_page()
    stranger.goto(owner_app.url)
    assert owner_shown(stranger)["owner"] != owner


@pytest.mark.parametrize("kill", [False, True], ids=["ended", "killed"])
def test_after_a_restart_an_open_tab_and_a_reload_have_the_same_owner(
    owner_app: AppServer, new_context: NewContext, kill: bool
) -> None:
    page = new_context().new_page()
    page.goto(owner_app.url)
    owner = owner_shown(page)["owner"]
    again = page.get_by_role("button", name="Again")
    # Whole: a page whose scripts were still on their way when the server went is loaded again (test_outage.py).
    expect(again).to_be_enabled()
    state = page.get_by_test_id("stApp")
    if kill:
        owner_app.kill()
    else:
        owner_app.stop()
    expect(state).not_to_have_attribute("data-test-connection-state", "CONNECTED")
    owner_app.start()
    expect(state).to_have_attribute("data-test-connection-state", "CONNECTED")
    again.click()
    assert owner_app.process is not None
    expect(page.get_by_text(f"process={owner_app.process.pid}")).to_be_visible()
    assert owner_shown(page)["owner"] == owner
    page.reload()
    assert owner_shown(page)["owner"] == owner


def test_a_forged_cookie_makes_a_new_owner(owner_app: AppServer, new_context: NewContext) -> None:
    context = new_context()
    page = context.new_page()
    page.goto(owner_app.url)
    owner = owner_shown(page)["owner"]
    (cookie,) = [cookie for cookie in context.cookies() if cookie["name"].startswith("memory_owner")]
    context.add_cookies([{**cookie, "value": "A" + cookie["value"][1:]}])  # type: ignore[typeddict-item]
    page.reload()
    shown = owner_shown(page)
    assert shown["blocked"] == "False"
    assert shown["owner"] not in (owner, "A" + owner[1:])


def test_no_address_chooses_an_owner(owner_app: AppServer, new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto(owner_app.url)
    owner = owner_shown(page)["owner"]
    stranger = new_context().new_page()
    names = ("owner", "user_id", "session", "session_id", "memory_owner")
    stranger.goto(f"{owner_app.url}/?{'&'.join(f'{name}={owner}' for name in names)}")
    assert owner_shown(stranger)["owner"] != owner


@contextmanager
def browser_without_cookies(browser: Browser, folder: Path) -> Iterator[Page]:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "Default").mkdir(parents=True)
    preferences = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (folder / "Default" / "Preferences").write_text(json.dumps(preferences))
    context = browser.browser_type.launch_persistent_context(
        str(folder), executable_path=chromium_path(), args=CHROMIUM_ARGS, viewport={"width": 1280, "height": 800}
    )
    context.set_default_timeout(PATIENCE)
    yield context.pages[0]
    context.close()


def test_without_cookies_every_tab_is_somebody_of_its_own(
    owner_app: AppServer, browser: Browser, scratch: Path
) -> None:
    with browser_without_cookies(browser, scratch / "profile") as page:
        page.goto(owner_app.url)
        first = owner_shown(page)
        assert first["blocked"] == "True"
        page.get_by_role("button", name="Again").click()
        expect(page.get_by_text("visits=2")).to_be_visible()
        assert owner_shown(page)["owner"] == first["owner"]
        second = page.context.new_page()
        second.goto(owner_app.url)
        assert owner_shown(second)["blocked"] == "True"
        assert owner_shown(second)["owner"] != first["owner"]


def test_who_refuses_cookies_is_told_what_that_means(app: AppServer, browser: Browser, scratch: Path) -> None:
    with browser_without_cookies(browser, scratch / "profile") as page:
        page.goto(app.url)
        expect(page.get_by_text("Allow cookies for this address")).to_be_visible()


def test_who_accepts_cookies_reads_nothing_of_them(app: AppServer, new_context: NewContext) -> None:
    page = new_context().new_page()
    page.goto(app.url)
    settled(page)
    expect(page.get_by_text("cookie")).to_have_count(0)
