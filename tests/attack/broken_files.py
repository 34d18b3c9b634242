"""Makes files that somebody broke, gives each to what reads files, and says what became of them; within 2 GB.

    $ python -m tests.attack.broken_files 5000 1 4
    {"files": 5004, "taken": 1213, "refused": 3791, "megabytes": 412, "faults": []}

It is a process of its own, as its address space is limited: what would take more fails there as a fault.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import resource
import struct
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from memory.backup.file import check
from memory.compare.link import from_query as compare_link
from memory.errors import BadInput
from memory.formats import FORMATS, import_file, read
from memory.knowledge.reading import read_file
from memory.lessons.link import from_query as lesson_link
from memory.lessons.loading import look_into
from memory.pictures.reading import read_picture
from memory.stores.inmemory import InMemoryStore
from tests.formats.talks import damaged
from tests.formats.test_import import FILES

MEMORY = 2_000_000_000
"""Bytes of address space, the interpreter and all that is imported included."""
LONGEST_LINE = 1_500
LESSON = (Path(__file__).parents[2] / "memory/lessons/shipped").glob("*.toml")
LESSONS = [path.read_bytes() for path in sorted(LESSON)[:4]]
PIECES = [
    b'{"', b'":', b"[", b"]", b"}", b",", b"\n", b"\r", b"\0", b'"', b"User: ", b"AI: ", b"role", b"content", b"-1e999",
    b"NaN", b"9" * 400, b"\\ud800", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3(", b"'''", b"= ", b"[[step]]", b"\xe2\x80\xae",
    b";", b"\t", b"null", b"true", b"1", b'{"role": "user", "content": "Hi"}', b"=cmd|' /C calc'!A0", b"<script>",
]  # fmt: skip

SAID = b'{"role":"user","content":"a"},'
LARGE = [
    (b'"ab",', 9_800_000, b"[", b"0]"),
    (b'"ab",', 4_900_000, b"[", b"0]"),
    (SAID, 490_000, b"[", b"{}]"),
    (b'{"messages":[' + SAID * 100 + b"{}]},", 9_000, b"[", b"{}]"),
    (b"User: a\nAI: b\n", 240_000, b"", b""),
    (b"[],", 2_900_000, b"[", b"0]"),
    (b"a ", 24_000_000, b"User: ", b""),
]
"""What is repeated, how often, and what stands before and behind it: up to 49 MB."""


class Broken:
    """Makes one file after another, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ways: list[Callable[[], bytes]] = [
            getattr(self, name) for name in dir(type(self)) if name.startswith("make_")
        ]
        self.sound = [*FILES.values(), *LESSONS]

    def one(self) -> bytes:
        return self.chance.choice(self.ways)()

    def make_damaged(self) -> bytes:
        name = self.chance.choice([name for name in FORMATS if name != "text"])
        return json.dumps(damaged(json.loads(FILES[name]), self.chance.randrange(10**9))).encode()

    def make_cut(self) -> bytes:
        data = self.chance.choice(self.sound)
        return data[: self.chance.randrange(len(data))]

    def make_flipped(self) -> bytes:
        data = bytearray(self.chance.choice(self.sound))
        for _ in range(self.chance.randint(1, 20)):
            at = self.chance.randrange(len(data))
            data[at : at + self.chance.randint(0, 2)] = self.chance.choice([b"", *PIECES])
        return bytes(data)

    def make_mixed(self) -> bytes:
        one, two = self.chance.choices(self.sound, k=2)
        joint = self.chance.choice([b"", b"\n", b",", b"\r\n\r\n", b"\0", b"\x0c"])
        return one + joint + two if self.chance.random() < 0.5 else b"[" + one + b"," + two + b"]"

    def make_pieces(self) -> bytes:
        return b"".join(self.chance.choices(PIECES, k=self.chance.randint(0, 60)))

    def make_bytes(self) -> bytes:
        return self.chance.randbytes(self.chance.randint(0, 2_000))

    def make_encoded(self) -> bytes:
        text = self.chance.choice(self.sound).decode() + "Grüße, 你好, €"
        encoding = self.chance.choice(
            ["utf-16", "utf-16-le", "utf-32", "cp1252", "shift-jis", "utf-7", "cp037", "koi8-r"]
        )
        return self.chance.choice([b"", b"\xef\xbb\xbf", b"\xff\xfe"]) + text.encode(encoding, "replace")

    def make_deep(self) -> bytes:
        depth = int(10 ** self.chance.uniform(1, 5.3))
        opening, closing = self.chance.choice(
            [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"content":', b"}]"), (b"{a=", b"}")]
        )
        end = closing * depth if self.chance.random() < 0.5 else b""
        head = self.chance.choice([b"", b'{"role":"user","content":"Hi"}\n', b"a = ", b'{"threads": '])
        return head + opening * depth + b"1" + end

    def make_long_line(self) -> bytes:
        size = int(10 ** self.chance.uniform(3, 6))
        piece = self.chance.choice(
            [b"a", b" ", b"\xe4\xbd\xa0", b'"', b",", b"\\", b"9", b"User: ", b"\t", b"|", b"{}"]
        )
        head = self.chance.choice([b"", b"User: ", b'[{"role":"user","content":"', b"a,b\n1,", b"# ", b"title = '"])
        return head + piece * (size // len(piece)) + self.chance.choice([b"", b'"}]', b"\nAI: Yes.\n"])

    def make_many(self) -> bytes:
        count = int(10 ** self.chance.uniform(2, 4.5))
        piece = self.chance.choice([b"User: a\nAI: b\n", b'{"role":"user","content":"a"}\n', b"\n", b"[],", b'"a":1,'])
        return self.chance.choice([b"", b"[", b"{"]) + piece * count + self.chance.choice([b"", b"]", b"0]"])

    def make_archive(self) -> bytes:
        data = self.chance.choice([self.chance.choice(self.sound), b"\0" * self.chance.choice([10_000, 2_000_000])])
        kind = self.chance.randrange(6)
        if kind < 4:
            made = (
                gzip.compress(data, mtime=0),
                bz2.compress(data),
                lzma.compress(data, preset=0),
                zlib.compress(data),
            )[kind]
        else:
            stream = io.BytesIO()
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in ("conversations.json", "../../etc/passwd", "a" * 200)[: self.chance.randint(1, 3)]:
                    archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
            made = stream.getvalue()
        broken = bytearray(made)
        if self.chance.random() < 0.6:
            broken[self.chance.randrange(len(broken))] ^= 1 << self.chance.randrange(8)
        return bytes(broken[: self.chance.randrange(1, len(broken) + 1)] if self.chance.random() < 0.3 else broken)

    def make_picture(self) -> bytes:
        stream, kind = io.BytesIO(), self.chance.choice(["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
        side = self.chance.choice([1, 8, 40])
        Image.new("RGB", (side, 9), (1, 2, 3)).save(stream, kind)
        data = bytearray(stream.getvalue())
        if kind == "PNG" and self.chance.random() < 0.5:  # says that it is larger than any memory
            head = b"IHDR" + struct.pack(">II", self.chance.choice([9, 70_000, 2**31 - 1]), 70_000) + bytes(data[24:29])
            data[12:33] = head + struct.pack(">I", zlib.crc32(head))
        for _ in range(self.chance.randint(0, 3)):
            data[self.chance.randrange(len(data))] = self.chance.randrange(256)
        return bytes(data)


def readers(folder: Path, chance: random.Random) -> list[Callable[[bytes], Any]]:
    """Return all that reads somebody's file or link, each as the app calls it."""

    def lesson(data: bytes) -> None:
        path = folder / "some.toml"
        path.write_bytes(data)
        found, faults = look_into(path)
        if found is None or faults:
            raise BadInput(faults[0])

    def backup(data: bytes) -> None:
        path = folder / chance.choice(["some.jsonl", "some.jsonl.gz"])
        path.write_bytes(data)
        try:
            check(path)
        except BadInput as error:
            raise BadInput(str(error).replace(str(folder), "")) from None

    def link(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        compare_link(text)

    def lesson_address(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        name = chance.choice(["lesson", "step", "memory", "hide", "view"])
        lesson_link({"lesson": "window", name: text})

    return [
        lambda data: import_file(InMemoryStore(), "sam", data),
        lambda data: import_file(InMemoryStore(), "sam", data),
        lambda data: read(data, "some.json", chance.choice(["auto", *FORMATS])),
        lambda data: read_file(chance.choice(["a.txt", "a.md", "a.csv", "a.tsv", "a.exe", "a"]), data),
        lambda data: read_picture(chance.choice(["a.png", "a.jpg", "a.txt"]), data),
        lesson,
        backup,
        link,
        lesson_address,
    ]


def fault_of(reader: Callable[[bytes], Any], data: bytes, told: Counter[str]) -> str:
    """Give a file to a reader; returns what is wrong with what came of it, "" where nothing is."""
    try:
        reader(data)
        told["taken"] += 1
        return ""
    except BadInput as error:
        told["refused"] += 1
        said = str(error)
        wrong = "\n" in said or "\r" in said or not said.strip() or len(said) > LONGEST_LINE or "Traceback" in said
        return f"its sentence is {said[:300]!r} ({len(said):,} characters)" if wrong else ""
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"


def main(count: int, seed: int, large: int) -> None:
    """Give so many files to readers chosen at random, then `large` ones, as large as may be, to the import."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    broken, told, faults = Broken(seed), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        known = readers(Path(folder), broken.chance)
        for number in range(count):
            data, place = broken.one(), broken.chance.randrange(len(known))
            if fault := fault_of(known[place], data, told):
                faults.append(f"file {number} of seed {seed}, reader {place}: {fault}; it begins {data[:80]!r}")
        for piece, times, head, end in LARGE[:large]:
            data = head + piece * times + end
            if fault := fault_of(known[0], data, told):
                faults.append(f"{times:,} times {piece[:40]!r}: {fault}")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000
    print(json.dumps({"files": told.total(), **told, "megabytes": most, "faults": faults[:20]}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
