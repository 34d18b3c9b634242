"""Names are found in what is said, whole or by a part, and one name is one whatever its spelling."""

from __future__ import annotations

import pytest

from memory.common.names import Names, canonical, id_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("what does SAM MILLER do?", ["sam"]),
        ("Has Miller called?", ["sam"]),
        ("An annual report", []),
        ("Ann's report", ["ann"]),
        ("Is it new?", []),
        ("in new york, with Ann", ["york", "ann"]),
        ("Is it mine?", ["user"]),
        ("小明在哪里？", ["ming"]),
        ("Acme, Inc. hired", ["acme"]),
        ("(C++)", ["c++"]),
        ("", []),
    ],
)
def test_names_are_found_as_whole_words_or_by_a_part_that_only_one_has(text: str, found: list[str]) -> None:
    known = {"sam": ["Sam Miller"], "ann": ["Ann"], "york": ["New York"], "orleans": ["New Orleans"]}
    known |= {"user": ["the user"], "ming": ["小明"], "acme": ["Acme, Inc."], "c++": ["C++"]}
    assert Names(known).mentioned(text) == found


def test_one_name_has_one_note_however_it_is_spelled() -> None:
    assert id_of("entity", "Sam") == id_of("entity", " SAM ") == id_of("entity", "sam.")
    assert id_of("entity", "The Beatles") == id_of("entity", "Beatles") != id_of("entity", "Beetles")
    assert {canonical(name) for name in ("User", "the user", "I", "Human:")} == {"the user"}
    assert canonical('"Acme,\n Inc."') == "Acme, Inc."
    assert canonical("AI: I agree") == "I agree"
