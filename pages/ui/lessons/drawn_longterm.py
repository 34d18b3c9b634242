"""Pictures of what is remembered across conversations: profile, facts, episodes, procedures, when, and whose."""

from __future__ import annotations

from pages.ui.lessons.shapes import (
    LEFT,
    YOURS,
    Idea,
    Shape,
    arrow,
    block,
    box,
    card,
    cross,
    draw,
    lines,
    path,
    prompt,
    text,
    total,
)

TOP = 124
END = TOP - 2
HEIGHT = TOP + 34


def _conversations() -> Shape:
    """Draw two conversations, the earlier one and this one, whose turns stay where they are."""
    drawn = Shape("")
    for x, name, count in ((LEFT, "an earlier conversation", 4), (LEFT + 148, "this one", 2)):
        row = [block(x + 29 * place, 17, f"{place + 1}", "out", 25, 20) for place in range(count)]
        drawn += text(x, 12, name, size=11) + total(row)
    return drawn


def profile() -> Idea:
    return draw(
        "From the turns of an earlier conversation one document was made: name Alex, theme light, struck out, now "
        "dark. It is sent in this conversation; no turn is sent.",
        "One document of who you are: new values replace old ones.",
        _conversations() + arrow(100, 39, 100, 51),
        card(LEFT, 52, 106, ("name: Alex", "theme: light", "theme: dark"), "fact", struck=1),
        lines(164, 70, "one document,", "updated in place"),
        arrow(100, 107, 100, END),
        prompt(("profile", "fact"), YOURS, y=TOP),
        height=HEIGHT,
        words={"fact": "profile"},
    )


def collection() -> Idea:
    kept = card(LEFT, 52, 72, ("likes tea",), "fact") + card(LEFT + 78, 52, 96, ("in the ML team",), "fact")
    other = card(LEFT, 84, 72, ("uses vim",), "out") + card(LEFT + 78, 84, 96, ("uses nano",), "gone", struck=0)
    return draw(
        "From the turns of an earlier conversation single facts were made: likes tea, in the ML team, uses vim; uses "
        "nano is superseded. The two that fit your message are sent in this conversation.",
        "Many small facts: added, superseded, sent where they fit.",
        _conversations() + arrow(100, 39, 100, 51) + kept + other,
        lines(230, 68, "those that", "fit are sent"),
        arrow(124, 78, 124, END),
        prompt(("2 facts", "fact"), YOURS, y=TOP),
        height=HEIGHT,
        words={"out": "stored, not sent", "gone": "superseded"},
    )


def episodic() -> Idea:
    return draw(
        "From an earlier conversation that went well an episode was made: observation, thoughts, action, result. It is "
        "sent as an example when the situation is like it.",
        "What worked, and how: an example for the next time.",
        _conversations() + arrow(90, 39, 90, 47),
        card(LEFT, 48, 92, ("observation", "thoughts", "action", "result"), "fact"),
        lines(152, 72, "what worked,", "as an example"),
        arrow(90, 118, 90, END + 8),
        prompt(("episode", "fact"), YOURS, y=TOP + 8),
        height=HEIGHT + 8,
        words={"fact": "episode"},
    )


def procedural() -> Idea:
    return draw(
        "Instructions, version 1: explain the theory. You put a thumb down and wrote: an example! Version 2 says: "
        "begin with an example, and is sent from now on.",
        "What you say of answers changes the instructions.",
        text(LEFT, 12, "instructions v1", size=11) + text(LEFT + 142, 12, "instructions v2", size=11),
        card(LEFT, 18, 92, ("Explain the", "theory."), "out"),
        card(LEFT + 142, 18, 105, ("Begin with an", "example."), "instructions"),
        arrow(LEFT + 94, 37, LEFT + 140, 37),
        block(LEFT + 34, 70, "thumb down: “an example!”", "query", 158, 22),
        arrow(LEFT + 113, 70, LEFT + 113, 40),
        arrow(270, 59, 270, 96, 120, 96, 120, 110),
        prompt(("instructions v2", "instructions"), YOURS, y=112),
        height=146,
        words={"out": "the version before", "query": "your words"},
    )


def background() -> Idea:
    def lane(y: float, name: str, *steps: tuple[str, str, float]) -> Shape:
        drawn, x = text(0, y + 15, name), float(LEFT)
        for place, (words, look, width) in enumerate(steps):
            drawn += block(x, y, words, look, width, 22)
            if place < len(steps) - 1:
                drawn += arrow(x + width + 1, y + 11, x + width + 15, y + 11)
            x += width + 16
        return drawn

    return draw(
        "Two ways to remember. Active: you write, the model calls a tool that remembers, then it answers, so the "
        "answer waits. Background: you write, it answers, the chat rests, and only then is it remembered.",
        "Now, while the answer waits; or later, when the chat rests.",
        text(LEFT, 12, "the answer waits for it"),
        lane(18, "active", ("you", "query", 34), ("remember", "fact", 66), ("answer", "plain", 50)),
        text(LEFT, 70, "the answer comes at once"),
        lane(
            76, "later", ("you", "query", 34), ("answer", "plain", 50), ("rest", "dots", 36), ("remember", "fact", 66)
        ),
        arrow(LEFT, 114, 296, 114) + text(0, 118, "time"),
        height=120,
        words={"fact": "a memory is formed"},
    )


def namespaces() -> Idea:
    def person(x: float, name: str, look: str) -> Shape:
        return (
            box(x, 26, 112, 64)
            + text(x + 8, 40, name, bold=True)
            + box(x + 8, 46, 96, 38)
            + text(x + 14, 59, "app", size=11)
            + block(x + 40, 52, "facts", look, 58, 26)
        )

    return draw(
        "An organisation holds Alice and Bob; each has an application with facts. Alice's prompt gets Alice's facts. "
        "The way from Bob's facts to Alice is crossed out.",
        "Organisation, user, application: nothing leaks sideways.",
        box(LEFT, 4, 248, 92) + text(LEFT + 8, 19, "organisation"),
        person(LEFT + 8, "Alice", "fact") + person(LEFT + 128, "Bob", "out"),
        arrow(127, 80, 127, 110),
        path([(247, 80), (247, 103), (150, 103)], dashed=True) + cross(200, 103),
        text(0, 117, "Alice's"),
        prompt(("facts", "fact"), YOURS, y=112),
        height=146,
        words={"out": "out of reach"},
    )
