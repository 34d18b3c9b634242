"""A small conversation for the tests of those who export a memory without one of their own.

It has a fact that is asked for later, one that is contradicted, a long answer, and something to be found by words.
"""

from __future__ import annotations

from datetime import UTC, datetime

from memory.formats.recording import Recording, Talk

_DAYS: tuple[tuple[int, tuple[tuple[str, str], ...]], ...] = (
    (
        3,
        (
            ("Hello! My name is Alex and I live in Oslo.", "Hello Alex! How is the weather in Oslo?"),
            ("Cold. I work at Acme with Mira, who paints in her free time.", "Noted. What does she paint?"),
            ("Boats, mostly. I prefer short answers, by the way.", "Boats. Short answers it is."),
            ("/remember sister = Ida", "Your sister is Ida."),
            ("My parrot is called Coco. She says good morning all day long.", "Good morning, Coco!"),
            (
                "How do I make pancakes?",
                "Whisk two eggs with a pinch of salt, add 250 ml of milk and 125 g of flour, let it rest for half an "
                "hour, and fry thin ones in butter, a minute on each side. Serve them with lemon and sugar, or with "
                "blueberry jam. What is left over keeps for a day in the fridge; warm it up in a dry pan.",
            ),
        ),
    ),
    (
        9,
        (
            ("I moved to Lisbon last week.", "A change from Oslo! How is Lisbon?"),
            ("Warm. Mira visits me in June; we want to see the boats in Setúbal.", "June in Setúbal: a good plan."),
            ("What is my parrot called?", "Coco."),
            ("Which city do I live in now?", "Lisbon."),
            ("Who is Mira?", "She works with you at Acme and paints boats."),
            ("What was I cooking the other day?", "Pancakes."),
            ("Thanks. What did we plan for June, in one line?", "Mira visits, and you see boats in Setúbal."),
        ),
    ),
)


def sample() -> Recording:
    """Return the conversation."""
    talk = Talk()
    for day, said in _DAYS:
        at = datetime(2026, 3, day, 10, tzinfo=UTC).timestamp()
        for minutes, (human, ai) in enumerate(said):
            talk.say("human", human, at + 60 * minutes)
            talk.say("ai", ai, at + 60 * minutes)
            talk.end_session()
    return Recording("sample", "A small conversation", talk.turns())
