"""Namespaces with variables that a session fills: whose facts these are, within what is the user's own.

    >>> template = NamespaceTemplate("{org}/{user}/{app}/notes")
    >>> template.filled({"org": "acme", "app": "support"})
    ('acme', 'support', 'notes')
    >>> NamespaceTemplate("{org}").filled({"org": ""})
    Traceback (most recent call last):
    memory.errors.BadInput: The namespace {org} needs an organisation: name it in Settings, under Namespace, or take ...

Every namespace stands behind the user's id, wherever and whether a template writes {user}: nothing that anybody fills
in reaches another user. A label holds no dot and no slash, so that none becomes two. The pattern is LangMem's
NamespaceTemplate, which fills what it is given and takes an id from whoever calls.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from memory.errors import BadInput

VARIABLES = {"org": "an organisation", "user": "a user", "app": "an application"}
"""The variables of a template, and what a session must name to fill each; a user is always known."""
MOST_LABELS = 8
LONGEST_LABEL = 100
"""Characters of a label."""

_VARIABLE = re.compile(r"\{(\w*)\}")


def checked_label(label: str) -> str:
    """Return a label without blanks around it; raises BadInput for what can be none."""
    label = label.strip()
    if any(sign in label for sign in "./{}") or not label.isprintable() or len(label) > LONGEST_LABEL:
        raise BadInput(
            f"A label may hold no dot, no slash, no braces and {LONGEST_LABEL} characters at most: {label[:40]!r}."
        )
    return label


@dataclass(frozen=True)
class NamespaceTemplate:
    """Labels joined by slashes, some of them variables; raises BadInput for what is no template."""

    text: str = ""

    def __post_init__(self) -> None:
        for part in self._parts:
            variable = _VARIABLE.fullmatch(part)
            if variable and variable[1] not in VARIABLES:
                known = ", ".join(f"{{{name}}}" for name in VARIABLES)
                raise BadInput(f"There is no variable {part[:40]!r} in a namespace: use {known}, or a plain label.")
            if not variable:
                checked_label(part)
        if len(self._parts) > MOST_LABELS:
            raise BadInput(f"There are {len(self._parts)} labels and may be {MOST_LABELS}: leave some out.")

    @property
    def _parts(self) -> list[str]:
        return [part.strip() for part in self.text.split("/") if part.strip()]

    @property
    def variables(self) -> frozenset[str]:
        """The variables that are to be filled; the user's id is none of them, as it stands in front by itself."""
        found = (match[1] for part in self._parts if (match := _VARIABLE.fullmatch(part)))
        return frozenset(found) - {"user"}

    def filled(self, labels: Mapping[str, str] | None) -> tuple[str, ...]:
        """Return the labels within the user's own namespace; raises BadInput where one that it needs is not named.

        Without a session (None), as in a replay, each variable stands for itself.
        """
        found: list[str] = []
        for part in self._parts:
            variable = _VARIABLE.fullmatch(part)
            if variable is None:
                found.append(part)
            elif variable[1] != "user":
                name = variable[1]
                label = name if labels is None else checked_label(labels.get(name, ""))
                if not label:
                    raise BadInput(
                        f"The namespace {self.text} needs {VARIABLES[name]}: name it in Settings, under Namespace, or "
                        f"take {part} out of the template."
                    )
                found.append(label)
        return tuple(found)
