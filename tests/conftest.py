"""What every test shares: a data folder and a home of its own, no key that could reach a paid model, and the stores.

python -m pytest tests
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from memory.server.connect import Connection
    from memory.store import Store
    from memory.stores.inmemory import InMemoryStore

# Set before anything of ours is imported. The path is short: a Unix socket's name may have about 100 characters.
_ROOT = Path(tempfile.mkdtemp(prefix="mi-"))
for _name in ("home", "data"):
    (_ROOT / _name).mkdir(mode=0o700)

for _variable in list(os.environ):
    if _variable.endswith(("_API_KEY", "_API_TOKEN")) or _variable.startswith(
        ("OPENAI_", "ANTHROPIC_", "AZURE_", "GOOGLE_", "LANGCHAIN_", "LANGSMITH_", "STREAMLIT_", "MEMORY_INSPECTOR_")
    ):
        del os.environ[_variable]
for _variable in ("REDIS_URL", "CHROMA_URL", "EMBEDDINGS", "COOKIE_SECRET"):
    os.environ.pop(_variable, None)
os.environ["HOME"] = str(_ROOT / "home")
for _variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
    os.environ.pop(_variable, None)
os.environ["MEMORY_INSPECTOR_HOME"] = str(_ROOT / "data")
os.environ["ANONYMIZED_TELEMETRY"] = "False"

# How long an example takes says how busy the machine is, and no test asserts a time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def same_main() -> Iterator[None]:
    """Put the main module back, which Streamlit's AppTest replaces: a process that is spawned later would run it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show why a test failed that passed when it was tried again."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.write_sep("_", f"tried again: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


def pytest_unconfigure() -> None:
    """Remove the folders, also where no test was run: in what hands the tests out, and after `--collect-only`."""
    shutil.rmtree(_ROOT, ignore_errors=True)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder whose path is short enough for sockets, removed at the end; `tmp_path` often is not."""
    folder = Path(tempfile.mkdtemp(prefix="mi-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


STORES = ("in memory", "embedded", "redis-server")


@pytest.fixture(scope="session")
def embedded(scratch: Path) -> Iterator[Connection]:
    """The embedded server."""
    from tests.servers import embedded_server

    with embedded_server(scratch / "embedded") as connection:
        yield connection


@pytest.fixture(scope="session")
def tcp(scratch: Path) -> Iterator[Connection]:
    """A Redis of its own over TCP."""
    from memory.server.connect import connect
    from tests.servers import redis_server

    folder = scratch / "redis-server"
    folder.mkdir()
    with redis_server(folder, appendfsync="no") as server:
        connection = connect(server.url)
        yield connection
        connection.close()


@pytest.fixture(params=["embedded", "redis-server"])
def connection(request: pytest.FixtureRequest) -> Connection:
    """Each server in turn."""
    found: Connection = request.getfixturevalue({"embedded": "embedded", "redis-server": "tcp"}[request.param])
    return found


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    """Each store in turn."""
    from memory.stores.inmemory import InMemoryStore
    from memory.stores.redis import RedisStore

    if request.param == "in memory":
        return InMemoryStore()
    return RedisStore(request.getfixturevalue({"embedded": "embedded", "redis-server": "tcp"}[request.param]))


@pytest.fixture
def memory_store() -> InMemoryStore:
    """A store for what does not depend on which one it is."""
    from memory.stores.inmemory import InMemoryStore

    return InMemoryStore()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser's tests last, as they are slow; where several processes share the tests, one begins with them.

    The others are then taken from the end of the list.
    """
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker("browser")
    shared = "PYTEST_XDIST_WORKER" in os.environ
    items.sort(key=lambda item: ("browser" in item.path.parts) != shared)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process whole files: the browser's to the first, all others to the rest, until one side has none left.

    Two browsers at once slow each other down, so it comes to that only at the end, which neither waits for idle.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _assign_work_unit(self, node: Any) -> None:
            if node is not self.nodes[0]:
                self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
            super()._assign_work_unit(node)

    return Scheduling(config, log)
