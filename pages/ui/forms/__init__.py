"""The further forms of "Memory now", one file each: a graph, scores, weights over the turns, a map of the vectors.

    for place, form in enumerate(seen.view.forms):
        draw(form, seen, f"panel_form_{place}")

Each is a chart with a caption, and the same things once more as a list: a chart is out of the keyboard's reach. Both
lead to a turn by the session key `panel_source`, as the strip does.
"""

from __future__ import annotations

from memory.inspection.inspect import Inspection
from memory.views import Form, Graph, PictureList, Scores, VectorMap, Weights
from pages.ui.forms import graph, picture_list, scores, vector_map, weights


def draw(form: Form, seen: Inspection, key: str) -> None:
    """Draw a form; `key` begins the session keys of its controls."""
    match form:
        case Graph():
            graph.draw(form, seen, key)
        case Scores():
            scores.draw(form, seen, key)
        case Weights():
            weights.draw(form, seen, key)
        case VectorMap():
            vector_map.draw(form, seen, key)
        case PictureList():
            picture_list.draw(form, seen, key)
