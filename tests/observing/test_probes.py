"""/healthz, /readyz and /metrics of a running app, with its store there and away.

python -m pytest tests/observing/test_probes.py
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from pages.ui.probes import metrics_shown
from tests.browser.server import running_app
from tests.servers import redis_server


@pytest.mark.redis_server
def test_a_process_whose_store_is_away_is_healthy_and_not_ready(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path) as redis,
        running_app(REDIS_URL=redis.url, METRICS="on", LOG_FORMAT="json", LOG_LEVEL="debug") as app,
    ):
        with httpx.Client(base_url=app.url, timeout=120) as client:
            assert client.get("/healthz").json() == {"app": "ready"}
            ready = client.get("/readyz", headers={"x-request-id": "given-by-balancer"})
            assert (ready.status_code, ready.json()) == (200, {"store": "ready"})
            assert ready.headers["x-request-id"] == "given-by-balancer"
            assert "memory_inspector_turns" in client.get("/metrics").text
            document = client.get("/", headers={"accept": "text/html", "x-request-id": "a b"})
            assert len(document.headers["x-request-id"]) == 16
            redis.kill()
            away = client.get("/readyz")
            assert (away.status_code, away.json()) == (503, {"store": "away"})
            assert client.get("/healthz").status_code == 200
            redis.start()
            assert client.get("/readyz").status_code == 200
        assert '"event": "request"' in app.log()


def test_figures_are_shown_to_nobody_unless_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, shown in (("", False), ("off", False), ("on", True), ("1", True)):
        monkeypatch.setenv("METRICS", value)
        assert metrics_shown() is shown
