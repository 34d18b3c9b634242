"""The documents page in a real browser: upload, what was cut where, search, delete; and nothing of a file is obeyed.

python -m pytest tests/browser/test_documents.py
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.person import NewContext, Person, fits
from tests.browser.server import AppServer
from tests.knowledge.files import pdf, zip_bomb

pytestmark = pytest.mark.browser

ENVIRONMENT = {"EMBEDDINGS": "hashing"}

SHIPS = b"# Ships\n\nThe ferry to Zanzibar leaves from pier seven.\n"
HOSTILE = b"# Big\n\n![x](https://evil.example/x) <script>document.title='no'</script> **bold** $x^2$ :red[red]\n"


def upload(person: Person, *files: tuple[str, bytes]) -> None:
    person.page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]
    )
    expect(person.page.get_by_role("button", name=f"Remove {files[-1][0]}")).to_be_visible()
    person.page.get_by_role("button", name="Add to the documents").click()


def asked(person: Person, query: str) -> None:
    box = person.page.get_by_label("What would a message find?")
    box.fill(query)
    box.press("Enter")


@pytest.mark.parametrize(("size", "scheme"), [((1280, 800), "light"), ((390, 844), "dark")])
def test_files_are_uploaded_looked_at_searched_and_deleted(
    app: AppServer,
    new_context: NewContext,
    axe: Callable[[Page], list[str]],
    size: tuple[int, int],
    scheme: str,
) -> None:
    alex = Person(app, new_context(*size, color_scheme=scheme)).open("/documents")
    page = alex.page
    expect(page.get_by_text("No documents yet.")).to_be_visible()
    upload(alex, ("ships.md", SHIPS), ("gates.pdf", pdf(["The east gate opens at nine."])), ("bomb.txt", zip_bomb(5)))
    expect(page.get_by_text("“bomb.txt” is a zip archive")).to_be_visible()
    expect(page.get_by_text("2 documents", exact=True)).to_be_visible()
    upload(alex, ("again.md", SHIPS), ("broken.pdf", b"%PDF-1.7 broken"))
    expect(page.get_by_text("ships.md is here already, with the same content")).to_be_visible()
    expect(page.get_by_text("“broken.pdf” is broken and cannot be read")).to_be_visible()
    expect(page.get_by_text("2 documents", exact=True)).to_be_visible()
    asked(alex, "Where does the ferry to Zanzibar leave?")
    expect(page.get_by_text("ships.md · 1 · lines 1–3")).to_be_visible()
    for score in ("fused", "lexical", "dense"):
        expect(page.get_by_text(f"{score} 0.").or_(page.get_by_text(f"{score} 1.")).first).to_be_visible()
    asked(alex, "What is the capital of France?")
    expect(page.get_by_text("Even the best scores low")).to_be_visible()
    alex.settled()
    assert fits(page)
    assert axe(page) == []
    page.get_by_role("button", name="Delete").last.click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Forgotten: a document.")).to_be_visible()
    expect(page.get_by_text("1 document", exact=True)).to_be_visible()
    assert [one.name for one in alex.store.shelf.documents.listed(alex.id)] == ["gates.pdf"]


def test_what_a_file_says_and_is_called_is_shown_and_not_obeyed(app: AppServer, new_context: NewContext) -> None:
    alex = Person(app, new_context()).open("/documents")
    page, fetched = alex.page, []
    page.on("request", lambda request: fetched.append(request.url))
    upload(alex, ("![x](https%3A evil) **b**.md", HOSTILE))
    expect(page.get_by_text("![x](https://evil.example/x) <script>").first).to_be_visible()
    expect(page.get_by_text("$x^2$ :red[red]").first).to_be_visible()
    expect(page.get_by_text("**b**.md").first).to_be_visible()
    assert page.locator("h1", has_text="Big").count() == 0
    assert not [url for url in fetched if "evil" in url]


def test_the_library_of_alexandria_answers_in_the_chat(app: AppServer, new_context: NewContext) -> None:
    alex = Person(app, new_context()).open("/documents")
    alex.page.get_by_role("button", name="Try it with a page on the Library of Alexandria").click()
    expect(alex.page.get_by_text("is cut into 4 passages")).to_be_visible()
    alex.prefers(memory="KnowledgeMemory").open()
    alex.say("Who was the first head of the library?")
    expect(alex.page.get_by_text("Zenodotus of Ephesus was the first head of the library.").first).to_be_visible()
    expect(alex.page.get_by_text("Rank 1 of top 4 passages, library-of-alexandria.md lines").first).to_be_visible()


def test_another_browser_sees_none_of_it(app: AppServer, new_context: NewContext) -> None:
    alex, kim = (Person(app, new_context()).open("/documents") for _ in range(2))
    upload(alex, ("ships.md", SHIPS))
    expect(alex.page.get_by_text("1 document", exact=True)).to_be_visible()
    kim.open("/documents")
    expect(kim.page.get_by_text("No documents yet.")).to_be_visible()
