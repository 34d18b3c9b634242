"""Reads the text of a pdf, page by page.

>>> read_pdf("gates.pdf", data).unit
'page'
"""

from __future__ import annotations

import io
import logging
import re

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from memory.errors import BadInput
from memory.knowledge.apart import LONGEST
from memory.knowledge.reading import Read

MOST_PAGES = 5_000
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def read_pdf(name: str, data: bytes) -> Read:
    """Return the text of all pages; raises BadInput where it is broken, encrypted or holds pictures of text alone."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pages: list[str] = []
    lost = 0
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise BadInput(f"“{name}” is locked with a password: save it without one, and upload that.")
        count = len(reader.pages)
        if count > MOST_PAGES:
            raise BadInput(f"“{name}” has {count:,} pages and may have {MOST_PAGES:,}: cut it into several.")
        for sheet in reader.pages:
            try:
                pages.append(_UNSEEN.sub("", sheet.extract_text()).rstrip())
            except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
                pages.append("")
                lost += 1
            if sum(map(len, pages[-1:])) > LONGEST or (len(pages) % 50 == 0 and sum(map(len, pages)) > LONGEST):
                raise BadInput(f"“{name}” unfolds to more text than can be read: cut it into several.")
    except BadInput:
        raise
    except ImportError:
        raise BadInput(f"“{name}” is encrypted in a way that is not read here: save it without a password.") from None
    except Exception:  # whatever a hostile file makes of the library, it is the file that is wrong
        raise BadInput(f"“{name}” is broken and cannot be read: save it as a pdf again, or its text as txt.") from None
    if not any(page.strip() for page in pages):
        raise BadInput(
            f"“{name}” holds pictures of its {len(pages):,} page{'s' * (len(pages) != 1)} and no text, as a scan does: "
            "run it through text recognition (OCR) first."
        )
    marks, at = [], 0
    for number, page in enumerate(pages, 1):
        marks.append((at, number))
        at += len(page) + 2
    empty = sum(not page.strip() for page in pages)
    told = f"{empty:,} of its {len(pages):,} pages hold no text that can be read." if empty else ""
    return Read("\n\n".join(pages), "page", tuple(marks), told)
