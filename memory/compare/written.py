"""A whole comparison as JSON: what was compared, all that came of it, and the figures that follow; and back.

    >>> text = to_json(experiment, results, recordings)
    >>> json.loads(text)["rows"][2]["recall"]
    0.612583
    >>> read(text) == (experiment, results)            # but for ids, which stay with the browser
    True

`experiment` and `results` are what was measured; `rows`, `frontier`, `bounds`, `lines` and `crossings` follow from them
and are there for who reads without this project. Costs are decimals in dollars, as strings; what is not known is null.
Turns count from 1 in `lines` and `crossings`, and from 0 in `results`. A file of another version is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from memory.compare.bounds import Bounds, bounds_over
from memory.compare.experiment import EXPERIMENT, MOST_RUNS, Experiment
from memory.compare.figures import Row, summaries
from memory.compare.frontier import frontier, points_of
from memory.compare.lines import crossed, lines_of
from memory.compare.report import NOT_ACCURACY
from memory.compare.results import RESULT, Results, RunResult
from memory.errors import BadInput
from memory.exchange.bounded_json import parse
from memory.formats import Recording
from memory.money.prices import price_date
from memory.tokens import encoding_for, well_formed

KIND, VERSION = "memory-comparison", 1
_REMEDY = "give a file that compare has written with --json, as it was"


def to_json(
    experiment: Experiment,
    results: Results,
    recordings: Sequence[Recording] = (),
    embedding: str = "",
    words: bool = True,
) -> str:
    """Write it; without `recordings` it has no bounds and no questions.

    `embedding` says what searched, for one that the experiment leaves to the app. Without `words` questions have no
    text, and no answer is in it.
    """
    experiment = _without_ids(experiment)
    rows, encoding = summaries(experiment, results), encoding_for(experiment.price_as)
    lines = lines_of(experiment, results)
    whole: dict[str, Any] = {
        "kind": KIND,
        "version": VERSION,
        "note": NOT_ACCURACY,
        "experiment": EXPERIMENT.dump_python(experiment, mode="json"),
        "counted": {
            "priced_as": experiment.price_as,
            "prices_of": price_date().isoformat(),
            "encoding": encoding.name,
            "exact": encoding.exact,
            "embedding": embedding or experiment.embedding or None,
        },
        "rows": [row_json(row) for row in rows],
        "frontier": [point.number for point in frontier(points_of(rows))],
        "bounds": _bounds(bounds_over(recordings, encoding.name)),
        "lines": [_plain(asdict(line)) for line in lines],
        "crossings": {
            "with_caching": [asdict(one) for one in crossed(lines)],
            "without_caching": [asdict(one) for one in crossed(lines, cached=False)],
        },
        "recordings": [_recording(recording, words) for recording in recordings],
        "results": [
            {"recording": place, "column": column, "result": _result(result, words)}
            for (place, column), result in sorted(results.items())
        ],
    }
    return "{\n" + ",\n".join(f'"{name}": {_lines(value)}' for name, value in whole.items()) + "\n}\n"


def read(text: str | bytes) -> tuple[Experiment, Results]:
    """Read what `to_json` wrote; raises BadInput, a sentence with the remedy."""
    whole = parse(text.encode("utf-8", "replace") if isinstance(text, str) else text)
    if not isinstance(whole, dict) or whole.get("kind") != KIND:
        raise BadInput(f"This is no comparison: {_REMEDY}.")
    if whole.get("version") != VERSION:
        raise BadInput(f"This comparison is of version {str(whole.get('version'))[:20]}, and only {VERSION} is read.")
    try:
        experiment = EXPERIMENT.validate_python(whole["experiment"])
        results: Results = {}
        for row in whole["results"]:
            results[int(row["recording"]), int(row["column"])] = RESULT.validate_json(json.dumps(row["result"]))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))[:80]
        raise BadInput(f"This comparison is damaged ({place}: {first['msg'][:100]}): {_REMEDY}.") from None
    except (KeyError, TypeError, ValueError):
        raise BadInput(f"This comparison is damaged (its results): {_REMEDY}.") from None
    sizes = len(experiment.conversations), len(experiment.columns)
    if len(experiment.columns) > MOST_RUNS or any(
        not (0 <= place < sizes[0] and 0 <= column < sizes[1]) for place, column in results
    ):
        raise BadInput(f"This comparison is damaged (its columns): {_REMEDY}.")
    return experiment, results


def row_json(row: Row) -> dict[str, Any]:
    """Return a row of figures with stable names; means and shares have six decimals."""
    found: dict[str, Any] = _plain(asdict(row))
    column = found.pop("column")
    return {
        "number": found.pop("number"),
        "memory": row.spec,
        "settings": column["settings"],
        "model": column["model"] or None,
        "complete": row.whole,
        "note": row.note or None,
        "tokens_per_turn": _plain(row.tokens_per_turn),
        **found,
    }


def _without_ids(experiment: Experiment) -> Experiment:
    columns = tuple(replace(column, thread="") for column in experiment.columns)
    return replace(experiment, id="", columns=columns)


def _bounds(found: Bounds) -> dict[str, Any]:
    return {
        "questions": found.questions,
        "recall": _plain(found.recall),
        "evidence_alone": _plain(found.oracle),
        "whole_conversation": _plain(found.full),
    }


def _result(result: RunResult, words: bool) -> Any:
    if not words:
        result = replace(result, questions=tuple(replace(row, answer=None) for row in result.questions))
    return RESULT.dump_python(result, mode="json")


def _recording(recording: Recording, words: bool) -> dict[str, Any]:
    questions = [
        {
            "question": one.text if words else None,
            "category": one.category,
            "evidence": list(one.evidence),
            "outdated": list(one.outdated),
            "answer": one.answer if words else None,
        }
        for one in recording.questions
    ]
    counts = {"turns": len(recording.turns), "messages": recording.messages}
    return {"id": recording.id, "title": recording.title, **counts, "questions": questions}


def _lines(value: Any) -> str:
    """Write JSON with a line for each entry of a list, so that long ones can be looked at and compared."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n " + ",\n ".join(map(_lines, value)) + "\n]"
    return well_formed(json.dumps(value, ensure_ascii=False))


def _plain(value: Any) -> Any:
    """Make JSON of figures: costs as plain decimals, other fractions with six decimals."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
