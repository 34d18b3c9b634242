"""Pictures of the memories that keep what was said last, word for word, or nothing at all."""

from __future__ import annotations

from pages.ui.lessons.shapes import (
    LEFT,
    PITCH,
    PROMPT,
    YOURS,
    Idea,
    arrow,
    block,
    box,
    cross,
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


def none() -> Idea:
    return draw(
        "Six turns are stored and none is sent: the prompt holds your message alone.",
        "A model remembers nothing: each prompt starts from zero.",
        turns("out out out out out out"),
        path([(138, 34), (138, END)], dashed=True) + cross(138, 66),
        text(152, 70, "nothing is read"),
        prompt(YOURS),
    )


def last_input() -> Idea:
    halves = [
        block(LEFT + PITCH * place, y, f"{place + 1}", "sent" if (place, y) == (5, 4) else "out", height=18)
        for place in range(6)
        for y in (4, 26)
    ]
    return draw(
        "Each turn is your message and the model's answer. Only your last message is sent, no answer, nothing older.",
        "Your last message goes along, and nothing else.",
        text(0, 17, "you") + text(0, 39, "model") + total(halves),
        arrow(228, 13, 240, 13, 240, 76, 120, 76, 120, END),
        prompt(("6", "sent"), YOURS),
    )


def buffer() -> Idea:
    sent = [(f"{number}", "sent") for number in range(1, 7)]
    return draw(
        "All six stored turns are sent, word for word, and your message after them.",
        "Everything, word for word: longer with every turn.",
        turns("sent sent sent sent sent sent"),
        box(LEFT - 4, 2, 184, 32, "dots"),
        arrow(138, 36, 138, END),
        lines(150, 62, "longer with", "every turn"),
        prompt(*sent, YOURS),
    )


def window(k: int = 3) -> Idea:
    """Draw the frame around the last k of six turns, with k from 1 to 5."""
    first = 7 - k
    sent = range(first, 7)
    older = "Turn 1 is" if first == 2 else f"Turns 1 to {first - 1} are"
    return draw(
        f"A frame stands around the last {k} of six turns, which are sent. {older} stored and not sent.",
        "A frame of k turns; what leaves it is stored, not sent.",
        turns(" ".join(["out"] * (6 - k) + ["sent"] * k)),
        box(middle(first) - 15, 2, PITCH * k, 32, "dots") + text(236, 22, f"k = {k}"),
        arrow(middle(5), 36, middle(5), END),
        lines(LEFT, 60, "each turn, the frame", "moves on by one"),
        prompt(*((f"{turn}", "sent") for turn in sent), YOURS),
    )


def token_buffer() -> Idea:
    x, row = float(LEFT), []
    for number, width in enumerate((30, 54, 22, 60, 28, 22), 1):
        row.append(block(x, 6, f"{number}", "sent" if number > 4 else "out", width))
        x += width + 4
    return draw(
        "Turns are as wide as they are long. Counted from the newest, turns 6 and 5 fit the limit; turn 4 does not fit "
        "whole, so it and all before it are stored and not sent.",
        "A budget instead of a count: whole turns that still fit.",
        text(0, 22, "stored") + total(row),
        box(192, 2, 98, 32, "dots") + text(241, 49, "token limit", "middle"),
        arrow(262, 55, 262, 78, 120, 78, 120, END),
        lines(LEFT, 52, "turn 4 does not", "fit whole"),
        prompt(("5", "sent"), ("6", "sent"), YOURS),
    )
