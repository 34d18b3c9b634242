"""A lesson's text is filled with what was measured; what is hostile is escaped, what is not there yet says so."""

from __future__ import annotations

import re

import pytest

from memory.lessons.at import of
from memory.lessons.crossing import crossing_turn
from memory.lessons.figures import FIGURES, measured, written
from memory.lessons.glossary import find, glossary
from memory.lessons.lesson import Lesson
from memory.lessons.live import Live
from memory.lessons.loading import load
from memory.lessons.words import PLACEHOLDER, QUOTES, fill, new_terms, unknown
from tests.lessons.small import lesson, played, say, stage_of


@pytest.fixture(scope="module")
def live() -> Live:
    return played(lesson("summary", say("My sister Lena is a pilot."), say("She lives in *Porto*.")))


def upper(text: str) -> str:
    return f"[{text}]"


def test_figures_are_those_of_the_trace(live: Live) -> None:
    traces = live.traces()
    assert fill("{prompt_tokens:1} and {prompt_tokens:2}", live, upper).text == (
        f"[{traces[0].prompt_tokens}] and [{traces[1].prompt_tokens}]"
    )
    assert fill("{query_tokens:now}", live, str).text == str(traces[1].segments["query"])


def test_a_figure_that_is_not_there_yet_is_an_ellipsis(live: Live) -> None:
    assert fill("{prompt_tokens:3} {prompt_tokens:1}", None, str).text == "… …"
    assert fill("{prompt_tokens:3}", live, str).text == "…"
    assert fill("{score_best:1}", live, str).text == "unknown"


def test_what_a_model_answered_is_escaped_and_what_is_no_placeholder_stays(live: Live) -> None:
    filled = fill("It said {answer:1}. `{name}` and {x:y} stay, as {total:,} does.", live, upper).text
    assert filled.startswith("It said [")
    assert filled.endswith("`{name}` and {x:y} stay, as {total:,} does.")
    assert "Lena" in fill("{summary:now}", live, str).text


def test_words_of_the_glossary_are_marked_and_returned() -> None:
    filled = fill("A {term:window} of {term:tokens}, {term:prompt cache|that cache}, {term:window}.", None, str)
    assert filled.text == "A **window** of **tokens**, **that cache**, **window**."
    assert [term.name for term in filled.terms] == ["window", "token", "prompt cache"]
    assert fill("{term:window}", None, upper, lambda name: f"<{name}>").text == "<[window]>"


def test_a_word_is_explained_in_the_step_that_uses_it_first() -> None:
    steps = [
        {"title": "A", "text": "A {term:turn}.", "after": "A {term:token}."},
        {"title": "B", "text": "A {term:turn} and {term:tokens} and a {term:window}."},
    ]
    made = lesson("buffer", steps=steps)
    assert [[term.id for term in new_terms(made, number)] for number in (1, 2)] == [["turn", "token"], ["window"]]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("prompt_tokens", "4", ""),
        ("prompt_tokens", "now", ""),
        ("answer", "2", ""),
        ("term", "windows", ""),
        ("prompt_token", "4", "did you mean prompt_tokens?"),
        ("prompt_tokens", "0", "from 1 on, or now"),
        ("prompt_tokens", "²", "from 1 on, or now"),
        ("term", "widow", "did you mean window?"),
    ],
)
def test_a_placeholder_in_vain_is_told_with_the_nearest(name: str, given: str, said: str) -> None:
    assert (said in unknown(name, given)) if said else (unknown(name, given) == "")


def test_the_segments_of_a_prompt_add_up_to_its_tokens(live: Live) -> None:
    parts = [measured(f"{name}_tokens", live, 2) for name in ("instructions", "memory", "history", "query")]
    assert sum(part for part in parts if part is not None) == measured("prompt_tokens", live, 2)
    assert measured("tokens_total", live, 2) == sum(trace.prompt_tokens for trace in live.traces())


def test_every_figure_is_measured_or_unknown_in_every_state(live: Live) -> None:
    blank = stage_of(lesson("buffer")).live()
    stopped = stage_of(lesson("vector:k=1", say("I like tea."), say("What do I like?", until="model")))
    stopped.play(1).join()
    for name, figure in FIGURES.items():
        assert measured(name, blank) is None
        assert written(name, measured(name, live, 2))
        assert written(name, measured(name, stopped.live()))
        assert figure.unit
        assert figure.about
    assert measured("prompt_tokens", stopped.live()) is not None
    stopped.fresh()


def test_a_conversations_cost_is_that_of_its_totals(live: Live) -> None:
    spot = live.spot()
    assert spot
    totals = live.store.totals(live.user, spot.id)
    assert measured("cost_total", live) == totals.cost
    assert measured("own_calls_total", live) == totals.own.calls
    assert measured("own_tokens_total", live, 1) < measured("own_tokens_total", live, 2)  # type: ignore[operator]


def test_the_turn_of_a_crossing_is_that_of_the_two_memories_that_a_lesson_teaches() -> None:
    talk = [say("I like tea, green tea above all, and I drink it every morning.")] * 4
    made = played(lesson("buffer", *talk, teaches=["buffer", "window:k=1"]))
    turn = measured("crossing_uncached", made)
    assert turn
    assert turn > 1
    round_about = played(lesson("buffer", *talk, teaches=["window:k=1", "buffer"]))
    assert written("crossing_uncached", measured("crossing_uncached", round_about)) == "never"
    assert measured("crossing_uncached", played(lesson("buffer", *talk))) is None
    at = of(made)
    assert at
    assert measured("crossing_cached", made) == crossing_turn(at, "buffer", "window:k=1", caching=True)


def test_a_search_has_scores_and_near_misses() -> None:
    talk = [
        say("The Great Library stood in Alexandria."),
        say("I like tea."),
        say("Where did the Great Library stand?"),
    ]
    found = played(lesson("vector:k=1", *talk))
    best, second, least = (measured(f"score_{name}", found) for name in ("best", "second", "least"))
    assert best is not None
    assert second is not None
    assert best == least
    assert best >= second
    assert (measured("recalled", found), measured("turns_sent", found), measured("turns_left", found)) == (1, 1, 1)


def test_a_paused_prompt_is_counted_like_the_one_that_is_sent() -> None:
    stage = stage_of(lesson("window:k=2", say("I like tea."), say("What do I like?", until="model")))
    stage.play(1).join()
    paused = {name: measured(name, stage.live()) for name in ("prompt_tokens", "history_tokens", "turns_sent")}
    job = stage.live().job
    assert job
    job.run_on()
    job.join()
    whole = played(lesson("window:k=2", say("I like tea."), say("What do I like?")))
    assert paused == {name: measured(name, whole) for name in paused}
    stage.fresh()


# --- the glossary -----------------------------------------------------------------------------------------------------


def test_each_word_is_explained_in_one_or_two_short_sentences() -> None:
    assert len(glossary()) >= 60
    for term in glossary().values():
        sentences = re.findall(r"[^.!?]+[.!?](?:\s|$)", term.means)
        assert 1 <= len(sentences) <= 2, term
        assert all(len(sentence.split()) <= 28 for sentence in sentences), term
        assert "".join(sentences).strip() == term.means, term


def test_a_word_is_found_by_its_name_its_id_and_in_the_plural() -> None:
    for term in glossary().values():
        assert find(term.id) == find(term.name) == find(term.name.upper()) == term
    for plural, name in (("tokens", "token"), ("near misses", "near miss"), ("entities", "entity")):
        found = find(plural)
        assert found
        assert found.name == name
    assert find("kitchen") is None


def test_what_the_shipped_lessons_name_is_known() -> None:
    for one in load().found.values():
        assert not [pair for pair in _named(one) if unknown(*pair)]
    assert not set(QUOTES) & set(FIGURES)


def _named(one: Lesson) -> list[tuple[str, str]]:
    return PLACEHOLDER.findall(one.model_dump_json())
