"""Pictures of memory as a whole: one of your own, several together, forgetting, and which one is worth its cost."""

from __future__ import annotations

from pages.ui.lessons.shapes import (
    INK,
    LEFT,
    LOOKS,
    PROMPT,
    YOURS,
    Idea,
    Shape,
    arrow,
    block,
    box,
    card,
    circle,
    cross,
    draw,
    lines,
    middle,
    path,
    prompt,
    text,
    turns,
)

END = PROMPT - 2


def contract() -> Idea:
    return draw(
        "A memory is a box with two doors: read, which chooses what of the stored turns and of its notes reaches the "
        "prompt, and write, which takes each new turn in.",
        "Read chooses what is sent, write takes the new turn in.",
        turns("out out out sent out sent"),
        box(LEFT, 50, 176, 32) + text(LEFT + 88, 70, "memory: its notes", "middle", bold=True),
        arrow(93, 32, 93, 49) + text(99, 45, "write"),
        arrow(183, 83, 183, END) + text(189, 97, "read"),
        arrow(183, 32, 183, 49),
        prompt(("notes", "fact"), ("4", "sent"), ("6", "sent"), YOURS),
        words={"fact": "notes"},
    )


def combined() -> Idea:
    parts = (
        ("recent turns", "sent", LEFT, 78),
        ("facts", "fact", LEFT + 88, 60),
        ("passages", "found", LEFT + 158, 76),
    )
    drawn, start = Shape(""), float(LEFT)
    for (words, look, x, width), share in zip(parts, (100, 56, 78), strict=True):
        drawn += block(x, 6, words, look, width) + arrow(x + width / 2, 32, start + share / 2, 56)
        drawn += box(start, 58, share, 14, look, 2)
        start += share
    return draw(
        "Three memories stand side by side: recent turns, facts, passages of documents. One token budget is divided "
        "between them, and each fills its share of the prompt.",
        "Several memories in one prompt, which share a budget.",
        drawn + lines(0, 63, "one", "budget") + arrow(138, 74, 138, END),
        prompt(("facts", "fact"), ("passage", "found"), ("6", "sent"), YOURS),
    )


def forgetting() -> Idea:
    def row(y: float, words: str, look: str) -> Shape:
        return block(LEFT + 16, y, words, look, 76, 20) + cross(LEFT + 102, y + 10)

    ticks = ("turn", "summary", "index", "notes")
    return draw(
        "Turn 3 is removed, and with it its traces in the summary, which is rebuilt, in the search index and in the "
        "notes. A receipt lists each place where it was.",
        "Gone from every place that held it; a receipt says where.",
        turns("out out gone out out out") + cross(middle(3), 18, 9),
        path([(middle(3), 31), (middle(3), 42), (LEFT + 4, 42), (LEFT + 4, 116)], ink=LOOKS["gone"].stroke),
        *(path([(LEFT + 4, y + 10), (LEFT + 15, y + 10)], ink=LOOKS["gone"].stroke) for y in (54, 80, 106)),
        row(54, "summary", "summary") + row(80, "index", "found") + row(106, "notes", "fact"),
        text(192, 49, "receipt", bold=True),
        card(192, 55, 96, [f"✓ {tick}" for tick in ticks]),
        height=128,
        words={"found": "search index", "fact": "notes", "out": "stored"},
    )


def frontier() -> Idea:
    def dot(x: float, y: float, name: str, best: bool) -> Shape:
        mark = circle(x, y, 5) if not best else Shape(f'<circle cx="{x:g}" cy="{y:g}" r="5" fill="{INK}"/>')
        return mark + text(x + 8, y + 12, name, bold=best)

    best = [(74, 92), (120, 52), (250, 24)]
    return draw(
        "A chart of memories: to the right more tokens, upwards more found. Three memories lie on the frontier: "
        "nothing finds as much for less. Two lie below it: another finds more for less.",
        "On the line, nothing finds as much for fewer tokens.",
        arrow(LEFT, 114, LEFT, 4) + arrow(LEFT, 114, 296, 114),
        text(0, 14, "found") + text(296, 130, "tokens sent", "end"),
        path([(LEFT, 92), *best, (292, 24)], dashed=True),
        *(dot(x, y, name, True) for (x, y), name in zip(best, "ABC", strict=True)),
        dot(160, 84, "D", False) + dot(232, 62, "E", False),
        text(132, 36, "frontier", "end") + text(178, 100, "found less for more"),
        height=134,
    )
