"""Pictures of the memories that search: for what is alike, not long ago, of weight, in documents and in pictures."""

from __future__ import annotations

from collections.abc import Mapping

from pages.ui.lessons.shapes import (
    LEFT,
    LOOKS,
    PROMPT,
    YOURS,
    Idea,
    Shape,
    arrow,
    block,
    box,
    circle,
    curve,
    draw,
    lines,
    middle,
    path,
    prompt,
    text,
    total,
    turns,
)

END = PROMPT - 2
ORANGE, GRAY = LOOKS["found"].stroke, LOOKS["out"].stroke


def _plane(width: float, asked: tuple[float, float], places: Mapping[str, tuple[float, float]], near: str) -> Shape:
    """Draw turns as places in a plane around the message; those that are `near` it are found."""
    x, y = asked
    drawn = box(LEFT, 4, width, 88) + circle(x, y, 31, "dots") + block(x - 9, y - 9, "?", "query", 18, 18)
    for name, (at, down) in places.items():
        drawn += block(at, down, name, "found" if name in near else "out", 20, 18)
    return drawn


def vector() -> Idea:
    places = {"1": (70, 16), "2": (160, 56), "3": (254, 14), "4": (84, 60), "5": (126, 24), "6": (232, 66)}
    return draw(
        "Six turns lie in a plane where near means alike. Your message lies in it as well; turns 2 and 5 lie near it "
        "and are sent, the others are stored and not sent.",
        "Not how old a turn is decides, but how alike it is.",
        text(0, 22, "stored"),
        _plane(236, (152, 48), places, "25"),
        text(192, 48, "near = alike"),
        arrow(152, 82, 152, END),
        prompt(("2", "found"), ("5", "found"), YOURS),
    )


def vector_token_buffer() -> Idea:
    places = {"1": (60, 14), "2": (120, 50), "3": (62, 64), "4": (148, 14)}
    return draw(
        "The newest turns, 5 and 6, are sent word for word within a token limit. Among the older ones turn 2 lies near "
        "your message and is sent as well.",
        "The newest turns, and what is alike among the old ones.",
        text(0, 22, "stored"),
        _plane(126, (110, 46), places, "2"),
        box(190, 4, 74, 32, "dots") + block(196, 8, "5", "sent") + block(232, 8, "6", "sent"),
        lines(208, 58, "the newest,", "within a limit"),
        arrow(110, 80, 110, END) + arrow(200, 36, 200, END),
        prompt(("2", "found"), ("5", "sent"), ("6", "sent"), YOURS),
    )


def time_weighted() -> Idea:
    bars = Shape("")
    for place, (like, fresh) in enumerate([(26, 4), (34, 22), (12, 8), (18, 14), (8, 22), (20, 34)]):
        look, x = "found" if place in (1, 5) else "out", LEFT + 40 * place
        bars += box(x, 92 - like, 26, like, look, 2) + text(x + 13, 107, f"{place + 1}", "middle")
        bars += path([(x, 90 - like), (x, 90 - like - fresh), (x + 26, 90 - like - fresh), (x + 26, 90 - like)], True)
    return draw(
        "Each turn has a bar: how alike it is to your message, and on top how fresh, which fades with the hours since "
        "it was last recalled. Turns 2 and 6 have the highest bars and are sent.",
        "Likeness and freshness: what nobody recalls fades.",
        bars + lines(LEFT, 13, "solid: how alike; dashed on top:", "how fresh since it was last recalled"),
        text(0, 107, "turn"),
        arrow(103, 111, 103, 122) + arrow(263, 111, 263, 116, 190, 116, 190, 122),
        prompt(("2", "found"), ("6", "found"), YOURS, y=124),
        height=158,
    )


def attention() -> Idea:
    weights = (1, 6, 1, 2, 1.5, 4)
    ways = total(
        curve((138, 64), (middle(turn), 32), ORANGE if weight > 3 else GRAY, weight)
        for turn, weight in enumerate(weights, 1)
    )
    return draw(
        "Your message is tied to each of six turns by a line as thick as the turn's weight. Turns 2 and 6 have the "
        "largest weights and are sent.",
        "Each turn has a weight; the largest are sent.",
        turns("out found out out out found") + ways + block(127, 64, "?", "query", 22, 22),
        text(158, 72, "thick line:") + text(158, 87, "large weight"),
        arrow(138, 88, 138, END),
        prompt(("2", "found"), ("6", "found"), YOURS),
    )


def knowledge() -> Idea:
    drawn = Shape("")
    for page, (x, found) in enumerate(((LEFT, (1,)), (LEFT + 70, (2,)), (LEFT + 140, ()))):
        drawn += box(x, 6, 56, 70)
        for row in range(4):
            look = "found" if row in found else "out"
            drawn += box(x + 6, 12 + 15 * row, 44 - 6 * ((row + page) % 2), 11, look, 2, 1)
    return draw(
        "Three documents are cut into passages. The two passages that fit your message best are sent, with their file "
        "and place; no turn is sent.",
        "Your documents, passage by passage: the best are sent.",
        text(0, 22, "your") + text(0, 37, "files"),
        drawn + lines(250, 30, "cut into", "passages"),
        arrow(78, 78, 78, END) + arrow(148, 78, 148, END),
        prompt(("passage", "found"), ("passage", "found"), YOURS),
        words={"out": "kept, not sent"},
    )


def multimodal() -> Idea:
    def picture(x: float, look: str) -> Shape:
        ink = LOOKS[look].stroke
        hills = [(x + 2, 38), (x + 16, 22), (x + 26, 34), (x + 36, 26), (x + 46, 38)]
        return box(x, 6, 48, 34, look) + path(hills, ink=ink) + circle(x + 36, 15, 4, ink=ink)

    return draw(
        "Two pictures of the conversation have captions: a beach, a red bike. Your message asks which bike, so the "
        "second picture is sent, with its caption.",
        "A picture is found by the words of its caption.",
        text(0, 26, "pictures") + picture(64, "out") + picture(150, "found"),
        text(88, 56, "a beach", "middle") + text(174, 56, "a red bike", "middle"),
        text(206, 30, "captions found") + text(206, 45, "by your words"),
        arrow(174, 62, 174, END),
        prompt(("picture", "found"), ("caption", "found"), ("bike?", "query")),
    )
