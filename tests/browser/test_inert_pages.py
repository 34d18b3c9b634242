"""Every page over what somebody wrote to have something fetched: names, uploads, imports, a teacher's lesson.

python -m pytest tests/browser/test_inert_pages.py

That the traps do fetch where nothing stops them is seen in test_policy.py. Here the policy would stop them, and would
complain: it has nothing to complain about.
"""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect

from memory.compare.experiment import Column, Experiment
from memory.compare.keeping import Experiments
from memory.formats import import_file
from memory.formats.reading import read
from memory.lessons.loading import look_into
from memory.retrieval.embeddings import embedding
from memory.retrieval.index import Retrieval
from memory.retrieval.vectors import InMemoryVectors
from tests.browser.foreign import Foreign
from tests.browser.person import NewContext, Person
from tests.browser.server import running_app
from tests.browser.test_policy import complaints

SHOWN = ("/", "/lessons", "/lessons?lesson=trap", "/documents")
"""The pages on which some of it stands at once, as it was typed."""
PAGES = ("/", "/lessons", "/lessons?lesson=trap", "/documents", "/longterm", "/compare", "/settings")


def trap(url: str, place: str) -> str:
    """Write a line that would fetch from the server if any of it were drawn as what it is."""
    at = f"{url}/{place}"
    return f"![a]({at}1) <img src='{at}2'> [![n]({at}3)]({at}4) \\![b]({at}5) :material/home: $x$"


def block(url: str, place: str) -> str:
    """Write the same and a diagram, over several lines."""
    diagram = f"```mermaid\ngraph TD; A[<img src='{url}/{place}6'>]-->B\n```"
    return f"{trap(url, place)}\n\n{diagram}\n\n| a |\n|-|\n| ![c]({url}) |"


def lesson(url: str) -> str:
    """Write a teacher's lesson every text of which is a trap."""
    row = {name: trap(url, name)[:240] for name in ("title", "about")}
    head = "".join(f"{name} = {json.dumps(value)}\n" for name, value in row.items())
    step = f"title = {json.dumps(trap(url, 'step')[:80])}\ntext = {json.dumps(block(url, 'text'))}\n"
    said = json.dumps(trap(url, "said"))
    first = f"[[steps]]\n{step}[[steps.play]]\nsay = {said}\n"
    return f'lesson = "trap"\nnumber = 90\nmemory = "window:k=1"\n{head}{first}[[steps]]\n{step}'


def test_no_page_fetches_what_anybody_wrote(new_context: NewContext, foreign: Foreign, scratch: Path) -> None:
    url, folder = foreign.url, scratch / "traps"
    folder.mkdir()
    (folder / "trap.toml").write_text(lesson(url))
    found, faults = look_into(folder / "trap.toml")
    assert found, faults
    with running_app(MEMORY_INSPECTOR_LESSONS=str(folder), EMBEDDINGS="hashing") as server:
        alex = Person(server, new_context())
        complained = complaints(alex.page)
        alex.open()
        store = alex.store
        for memory in ("window", "collection"):
            alex.talked(f"My city is {trap(url, 'said')}.", block(url, "more"), memory=memory, title=trap(url, "title"))
        import_file(store, alex.id, f"User: {trap(url, 'imported')}\nAI: {trap(url, 'answered')}\n".encode())
        library = Retrieval(embedding("hashing"), InMemoryVectors()).library(store.shelf, alex.id, lambda call: None)
        library.add(f"![a]({url.replace('/', '')}) <img src=x>.md", block(url, "document").encode())
        (recording,) = read(f"User: {trap(url, 'run')}\nAI: Noted.\n".encode(), "talk.txt")
        column = (Column("ConversationBufferMemory"),)
        Experiments(store, alex.id).create(Experiment("", trap(url, "experiment"), "replay", column), [recording])
        for path in PAGES:
            alex.open(path)
            if path in SHOWN:
                expect(alex.page.get_by_role("main")).to_contain_text("![a](")
        alex.page.wait_for_timeout(1_000)
        assert "Traceback" not in server.log()
    assert foreign.hits == []
    assert complained == []
