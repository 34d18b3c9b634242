"""A lesson on paper: one HTML file that holds all it needs, its questions without the answers or with them.

    >>> page = sheet(lesson, answers=False)
    >>> "Will the model know the color?" in page, "Turns 2 and 3 fill the window." in page
    (True, False)

Nothing in it is loaded from anywhere and nothing in it runs. The figures are those of a lesson that was played
(`played_on`), as by the demo model before a class (`trial.rehearsed`); "…" stands where it was not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from types import MappingProxyType

from markdown_it import MarkdownIt

from memory.common.words import plural
from memory.lessons.figures import measured, written
from memory.lessons.glossary import Term
from memory.lessons.lesson import Lesson, Predict, Step
from memory.lessons.live import Live
from memory.lessons.stage import Stage
from memory.lessons.verdict import Verdict
from memory.lessons.words import NOT_YET, fill, texts_of

_MARKS = {True: "✓ holds", False: "✗ does not hold", None: "? not measured"}
_CSS = """
@page { margin: 18mm }
* { box-sizing: border-box }
body { font: 11pt/1.5 system-ui, sans-serif; color: #111; background: #fff; max-width: 42rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem }
h2 { font-size: 1.15rem; margin: 1.6rem 0 .4rem; break-after: avoid }
pre, code { font-family: ui-monospace, monospace; font-size: .9em; white-space: pre-wrap; overflow-wrap: anywhere }
pre { border: 1px solid #bbb; padding: .5rem; break-inside: avoid }
table { border-collapse: collapse } th, td { border: 1px solid #bbb; padding: .15rem .5rem; text-align: left }
.who { display: flex; gap: 2rem; margin: 1rem 0 } .who span { flex: 1; border-bottom: 1px solid #555 }
.ask { border: 1px solid #555; border-radius: 4px; padding: .6rem .8rem; margin: .8rem 0; break-inside: avoid }
.ask ul { list-style: none; padding: 0; margin: .3rem 0 } .ask p { margin: .3rem 0 }
.line { border-bottom: 1px solid #555; height: 1.8rem }
.said { border-left: 3px solid #888; padding-left: .7rem; margin: .5rem 0 }
.right { font-weight: 700 } dt { font-weight: 700 } dd { margin: 0 0 .4rem }
"""


@dataclass(frozen=True, slots=True)
class Played:
    """A step as it was played: the state at its end, and what came of its claims."""

    live: Live
    verdicts: tuple[Verdict, ...]


def played_on(stage: Stage) -> dict[int, Played]:
    """Return the steps that were played on a stage, by their numbers from 1."""
    progress = stage.progress
    return {number: Played(stage.live(number, progress), stage.judged(number, progress)) for number in progress.played}


def sheet(lesson: Lesson, answers: bool, played: Mapping[int, Played] = MappingProxyType({})) -> str:
    """Write a lesson as a page to print; `played` has the steps whose figures are known."""
    terms: dict[str, Term] = {}
    live: Live | None = None
    parts = []
    for number, step in enumerate(lesson.steps, 1):
        known = played.get(number)
        live = known.live if known else live
        if known is None and step.play:
            live = None
        parts.append(_step(number, step, answers, live, known.verdicts if known else (), terms))
    words = "".join(f"<dt>{escape(term.name)}</dt><dd>{escape(term.means)}</dd>" for term in terms.values())
    kind = "with the answers" if answers else "questions"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{lesson.number}. {escape(lesson.title)}, {kind}</title><style>{_CSS}</style></head><body><main>"
        f"<h1>{lesson.number}. {escape(lesson.title)}</h1><p>{escape(lesson.about)}</p>"
        + ("" if answers else '<div class="who"><span>Name</span><span>Date</span></div>')
        + "".join(parts)
        + (f"<h2>Words</h2><dl>{words}</dl>" if words else "")
        + "</main></body></html>\n"
    )


def _step(
    number: int,
    step: Step,
    answers: bool,
    live: Live | None,
    verdicts: tuple[Verdict, ...],
    terms: dict[str, Term],
) -> str:
    def html(text: str) -> str:
        return _markdown(fill(text, live, _plain).text)

    shown = [text for place, text in texts_of(step) if answers or place in (("text",), ("predict", "ask"))]
    for text in shown:
        terms.update((term.id, term) for term in fill(text, None, str).terms)
    parts = [f"<section><h2>Step {number}: {escape(step.title)}</h2>{html(step.text)}"]
    parts += [f'<p class="said">{escape(said)}</p>' for said in _said(step)]
    if step.predict:
        parts.append(_question(step.predict, answers, live, html))
    if answers and step.after:
        parts.append(html(step.after))
    if answers and step.claims:
        told = [_MARKS[verdict.held] for verdict in verdicts] or [_MARKS[None]] * len(step.claims)
        rows = [
            f"<li>{_inline(html(claim.says))} <small>({mark})</small></li>"
            for claim, mark in zip(step.claims, told, strict=True)
        ]
        parts.append(f"<ul>{''.join(rows)}</ul>")
    return "".join([*parts, "</section>"])


def _question(predict: Predict, answers: bool, live: Live | None, html: Callable[[str], str]) -> str:
    """Write a question with room for the answer, or with the answer."""
    parts = [html(predict.ask)]
    if predict.choices:
        rows = []
        for number, choice in enumerate(predict.choices, 1):
            right = answers and number == predict.right
            mark = "☑" if right else "☐"
            rows.append(f"<li{' class=right' if right else ''}>{mark} {_inline(html(choice))}</li>")
        parts.append(f"<ul>{''.join(rows)}</ul>")
    elif answers:
        assert predict.number
        value = measured(predict.number.figure, live, predict.number.turn) if live else None
        told = NOT_YET if value is None else written(predict.number.figure, value)
        parts.append(f"<p class=right>{escape(f'{told} {predict.unit}'.strip())}</p>")
    else:
        parts.append(f"<p>Your guess{f' ({escape(predict.unit)})' if predict.unit else ''}:</p>")
    parts.append(html(predict.because) if answers else '<p>Why?</p><div class="line"></div><div class="line"></div>')
    return f'<div class="ask">{"".join(parts)}</div>'


def _said(step: Step) -> list[str]:
    """Return what is said in a step; a long text that is repeated is told once."""
    return [
        f"“{action.say}”" + (f" ({plural(action.times, 'time')} within one message)" if action.times > 1 else "")
        for action in step.play
        if action.say
    ]


def _inline(html: str) -> str:
    """Take the paragraph off a line."""
    return html.strip().removeprefix("<p>").removesuffix("</p>")


def _markdown(text: str) -> str:
    """Turn a lesson's Markdown into HTML that loads nothing: without HTML of its own and without pictures."""
    return str(_reader().render(text))


@lru_cache(maxsize=1)
def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def _plain(text: str) -> str:
    """Have what is filled in be no Markdown."""
    return re.sub(r"([\\`*_\[\]<>!#&|~()])", r"\\\1", " ".join(text.split()))
