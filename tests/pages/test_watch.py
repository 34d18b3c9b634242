"""What a page says of a store that is away, and of one that cannot be opened.

python -m pytest tests/pages/test_watch.py
"""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from memory.errors import BadInput
from pages.ui import connections

ROOT = Path(__file__).parents[2]
SAID = 'The server does not start. It said "![](https://example.org/a.png) :red[x]".'
PAGE = f"""
from memory.errors import StoreUnavailable
from pages.ui import watch

watch.banner(StoreUnavailable({SAID!r}))
"""


def test_what_a_server_said_as_it_ended_is_shown_as_text() -> None:
    app = AppTest.from_string(PAGE, default_timeout=60).run()
    (shown,) = app.error
    assert "does not start" in shown.value
    assert "![](https" not in shown.value
    assert " :red[" not in shown.value


def test_a_wrong_setting_of_the_server_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def store() -> None:
        raise BadInput("EXPIRE_DAYS must be a number: correct it.")

    monkeypatch.setattr(connections, "store", store)
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    assert not app.exception
    assert [one.value for one in app.error] == ["EXPIRE_DAYS must be a number: correct it."]
