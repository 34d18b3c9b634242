"""Pictures of the memories that keep the gist of old turns in a summary."""

from __future__ import annotations

from pages.ui.lessons.shapes import (
    LEFT,
    LOOKS,
    PITCH,
    PROMPT,
    YOURS,
    Idea,
    Shape,
    arrow,
    block,
    box,
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


def _gathered(count: int, x: float, y: float) -> Shape:
    """Lead turns from the first on together at a point."""
    violet = LOOKS["gist"].stroke
    return total(path([(middle(turn), 32), (x, y)], ink=violet) for turn in range(1, count + 1))


def summary() -> Idea:
    return draw(
        "Six turns go into one summary, which a model rewrites after each turn. The prompt holds the summary and your "
        "message; no turn is sent word for word.",
        "The gist, not the words: short, but details are lost.",
        turns("gist gist gist gist gist gist"),
        _gathered(6, 138, 56) + block(100, 56, "summary", "summary", 76),
        lines(186, 66, "rewritten by a", "model each turn"),
        arrow(138, 82, 138, END),
        prompt(("summary", "summary"), YOURS),
    )


def summary_buffer() -> Idea:
    return draw(
        "Turns 1 to 4 go into a summary; turns 5 and 6 are sent word for word. Summary and turns together stay within "
        "one token limit.",
        "The gist of what is old, the words of what is new.",
        turns("gist gist gist gist sent sent"),
        _gathered(4, 108, 54) + block(70, 54, "summary", "summary", 76),
        arrow(108, 80, 108, END) + arrow(198, 32, 198, END),
        lines(208, 62, "together", "within a limit"),
        prompt(("summary", "summary"), ("5", "sent"), ("6", "sent"), YOURS),
    )


def summarization() -> Idea:
    base, unit = 96, 14
    bars = Shape("")
    for place, (gist, count) in enumerate([(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 1), (1, 2), (1, 3)]):
        x, height = LEFT + PITCH * place, unit * count
        bars += box(x, base - height - 14 * gist, 20, height, "sent", 2)
        if gist:
            bars += box(x, base - 14, 20, 14, "summary", 2)
    return draw(
        "Bars show what is sent, turn by turn. They grow until the trigger; then the old turns become a summary, only "
        "the newest stay word for word, and it grows again.",
        "Everything, until it is too much; then the gist.",
        bars + path([(LEFT - 4, 22), (294, 22)], dashed=True) + text(0, 26, "trigger"),
        text(200, 15, "summarized here") + arrow(194, 26, 201, 62),
        text(0, 80, "sent,") + text(0, 94, "by turn"),
        prompt(("summary", "summary"), ("5", "sent"), ("6", "sent"), ("7", "sent"), YOURS, y=110),
        height=144,
    )
