"""Whether LangSmith is told of every model call, by its own standard variables: it is off unless they say so.

>>> tracing().on                 # with LANGSMITH_TRACING=true, LANGSMITH_API_KEY and LANGSMITH_PROJECT set
True
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from langsmith.utils import get_env_var, get_tracer_project, tracing_is_enabled


@dataclass(frozen=True, slots=True)
class Tracing:
    """`trouble` says what is missing where it is on and nothing arrives, "" where nothing is."""

    on: bool
    project: str = ""
    place: str = ""
    trouble: str = ""


def tracing() -> Tracing:
    """Read the variables as LangChain does (LANGSMITH_TRACING, and the older LANGCHAIN_TRACING_V2)."""
    if not tracing_is_enabled():
        return Tracing(False)
    place = get_env_var("ENDPOINT") or "https://api.smith.langchain.com"
    key = get_env_var("API_KEY") or os.environ.get("LANGSMITH_API_KEY")
    trouble = "" if key else "LANGSMITH_API_KEY is not set, so that LangSmith takes nothing"
    return Tracing(True, get_tracer_project() or "default", place, trouble)
