"""Pictures of the memories that keep notes: facts that are given, and what is read out of the turns."""

from __future__ import annotations

from pages.ui.lessons.shapes import (
    LEFT,
    LOOKS,
    PROMPT,
    YOURS,
    Idea,
    Shape,
    arrow,
    block,
    card,
    draw,
    lines,
    middle,
    path,
    prompt,
    store,
    text,
    turns,
)

END = PROMPT - 2
GREEN, GRAY = LOOKS["fact"].stroke, LOOKS["out"].stroke


def simple() -> Idea:
    return draw(
        "A card holds two facts that you gave: name = Alex, city = Oslo. The prompt holds the card and your message; "
        "no turn is sent.",
        "Facts that you give once; the conversation changes nothing.",
        turns("out out out out out out"),
        card(LEFT, 48, 92, ("name = Alex", "city = Oslo"), "fact"),
        lines(156, 62, "given by you,", "never changed"),
        arrow(96, 87, 96, END),
        prompt(("your facts", "fact"), YOURS),
    )


def key_value() -> Idea:
    return draw(
        "In turn 6 you wrote /remember tea = green. The fact goes into a file and from there into every prompt; no "
        "turn is sent.",
        "What you save by name outlives every conversation.",
        turns("out out out out out out"),
        arrow(middle(6), 32, middle(6), 62, 128, 62),
        store(LEFT, 44, 74, 42, "file", "fact"),
        text(134, 55, "/remember") + text(134, 80, "tea = green"),
        arrow(87, 88, 87, END),
        prompt(("tea = green", "fact"), YOURS),
        words={"fact": "saved facts"},
    )


def entity() -> Idea:
    notes = [("Sam", LEFT, "fact"), ("Acme", LEFT + 54, "out"), ("Mira", LEFT + 108, "out")]
    drawn = Shape("")
    for turn, note in ((1, 0), (3, 0), (2, 1), (4, 2)):
        x = notes[note][1] + 23
        drawn += path([(middle(turn), 31), (x, 54)], ink=GREEN if note == 0 else GRAY)
    for name, x, look in notes:
        drawn += block(x, 54, name, look, 46)
    return draw(
        "Notes on Sam, Acme and Mira were written from the turns. Your message asks for Sam, so the note on Sam is "
        "sent, with the newest turns.",
        "A note on each person, place and thing that you mention.",
        turns("out out out out sent sent") + drawn,
        arrow(LEFT + 23, 80, LEFT + 23, END) + arrow(middle(6) + 6, 32, middle(6) + 6, END),
        text(82, 95, "your message names Sam"),
        prompt(("Sam", "fact"), ("5", "sent"), ("6", "sent"), ("Sam?", "query")),
        words={"fact": "note", "out": "kept, not sent"},
    )


def graph() -> Idea:
    def edge(x: float, y: float, until: float, words: str, look: str) -> Shape:
        ink = LOOKS[look].stroke
        return path([(x, y + 11), (until, y + 11)], ink=ink) + text((x + until) / 2, y + 6, words, "middle", size=11)

    far = (
        block(LEFT, 84, "Bob", "out", 36, 22) + edge(86, 84, 122, "likes", "out") + block(122, 84, "tea", "out", 34, 22)
    )
    return draw(
        "A graph of triples: Sam works at Acme, Acme makes robots, Bob likes tea. Your message asks for Sam, so the "
        "triples around Sam are sent, with the newest turns; Bob's is not.",
        "Who does what with whom, around what you mention.",
        turns("out out out out sent sent"),
        block(LEFT, 50, "Sam", "fact", 40, 22) + edge(90, 50, 146, "works at", "fact"),
        block(146, 50, "Acme", "fact", 46, 22) + edge(192, 50, 238, "makes", "fact"),
        block(238, 50, "robots", "fact", 52, 22) + far,
        arrow(186, 74, 186, 112),
        prompt(("triples", "fact"), ("5", "sent"), ("6", "sent"), ("Sam?", "query"), y=114),
        height=148,
        words={"fact": "triples", "out": "kept, not sent"},
    )
