"""Every memory by its name, found by looking into `strategies/` and the plug-in folder.

>>> load().memory("window:k=3").settings.k
3
>>> load().broken
(Broken(file='mine.py', error="SyntaxError: '(' was never closed (line 7)"),)
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from memory.base import Memory
from memory.errors import BadInput, InspectorError, StoreUnavailable

_HERE = Path(__file__).parent
_LOADING = threading.RLock()
FAMILIES = ("short-term", "fixed", "extracted", "retrieved", "long-term", "composed", "custom")


@dataclass(frozen=True, slots=True)
class Broken:
    """A file of the plug-in folder that could not be loaded, and why."""

    file: str
    error: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """The memories by class name, in the order of their families, and the plug-ins that are broken."""

    memories: Mapping[str, type[Memory]]
    broken: tuple[Broken, ...] = ()

    def find(self, name: str) -> type[Memory]:
        """Return the class with this name or short name; raises BadInput with the nearest known one."""
        names = {**{cls.short: cls for cls in self.memories.values()}, **self.memories}
        if name in names:
            return names[name]
        near = difflib.get_close_matches(name, names, 1)
        known = ", ".join(cls.short for cls in self.memories.values())
        hint = f"; did you mean {near[0]!r}?" if near else f"; choose {known}."
        raise BadInput(f"There is no memory {name!r}{hint}")

    def make(self, name: str, settings: Mapping[str, Any]) -> Memory:
        """Build a memory; raises BadInput that names a setting which is unknown or out of its bounds."""
        cls = self.find(name)
        for key in settings:
            if key not in cls.Settings.model_fields:
                known = list(cls.Settings.model_fields)
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'no settings'}."
                raise BadInput(f"{cls.__name__} has no setting {key!r}; {hint}")
        try:
            return cls(**settings)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            said = first["msg"].removeprefix("Value error, ").rstrip(".")
            if first["type"] == "dict_type":
                said = f"write it as {cls.short}:{place}={_JSON}"
            raise BadInput(f"{cls.__name__}: {place}: {said}.") from error

    def memory(self, spec: str) -> Memory:
        """Build a memory from `Name` or `Name:setting=value,setting=value`; a value in brackets may hold commas.

        A setting that is no single value is written as JSON: `simple:memories={"name":"Alex","city":"Oslo"}`.
        """
        return self.make(*self.read(spec))

    def read(self, spec: str) -> tuple[str, dict[str, Any]]:
        """Read a spec as a name and settings, which nobody has looked at yet; raises BadInput."""
        name, _, rest = spec.partition(":")
        fields = self.find(name.strip()).Settings.model_fields
        settings: dict[str, Any] = {}
        for part in _parts(rest):
            key, _, value = (text.strip() for text in part.partition("="))
            if key in settings:
                raise BadInput(f"{key} is given twice: give it once.")
            settings[key] = value
            if key in fields and value[:1] in ("{", "[") and fields[key].annotation is not str:
                try:
                    settings[key] = json.loads(value)
                except ValueError as error:
                    raise BadInput(f"{name}: {key} is no JSON ({error}); write it as {key}={_JSON}.") from None
        return name.strip(), settings

    def erase(self, user: str) -> dict[str, int]:
        """Remove what the memories keep of a user outside of the store; return how much each had, by its label.

        Every memory is asked, also after one has failed; then raises StoreUnavailable.
        """
        erased: dict[str, int] = {}
        failed: list[str] = []
        for cls in self.memories.values():
            try:
                if count := cls.erase(user):
                    erased[cls.label] = count
            except InspectorError as error:
                failed.append(str(error))
            except Exception as error:
                failed.append(f"{cls.label} failed to remove what it keeps ({type(error).__name__}: {error}).")
        if failed:
            raise StoreUnavailable(" ".join(failed))
        return erased


_JSON = '{"name":"Alex"}'


def _parts(text: str) -> list[str]:
    """Split at the commas that stand outside of brackets and quotation marks."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, char in enumerate(text):
        if char == '"' and text[place - 1 : place] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (char in "([{") - (char in ")]}")
            if char == "," and depth <= 0:
                parts.append(text[start:place])
                start = place + 1
    return [part for part in (*parts, text[start:]) if part.strip()]


def load(folder: Path | None = None) -> Catalog:
    """Load the catalogue; `folder` is the plug-in folder (default: MEMORY_PLUGINS, else `memory/custom/`).

    Looks again when a file of the folder changed.
    """
    folder = folder or Path(os.environ.get("MEMORY_PLUGINS") or _HERE / "custom")
    files = sorted(folder.glob("*.py")) if folder.is_dir() else []
    with _LOADING:  # two threads would run each plug-in twice
        return _load(folder, tuple((file.name, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=8)
def _load(folder: Path, files: tuple[tuple[str, int], ...]) -> Catalog:
    found: list[type[Memory]] = []
    broken: list[Broken] = []
    for file in sorted((_HERE / "strategies").glob("[!_]*.py")):
        found += _memories(importlib.import_module(f"memory.strategies.{file.stem}"))
    for name, _ in files:
        if name.startswith("_"):
            continue
        try:
            new = _memories(_import_file(folder / name))
            if not new:
                raise TypeError("it defines no subclass of memory.base.Memory or of LangChain's BaseMemory")
            taken = {name for cls in found for name in (cls.__name__, cls.short)}
            for cls in new:
                if {cls.__name__, cls.short} & taken:
                    raise ValueError(f"the name {cls.__name__ if cls.__name__ in taken else cls.short} is taken")
                taken |= {cls.__name__, cls.short}
                cls()  # a setting without a default shows here and not in a conversation
            found += new
        except (Exception, SystemExit) as error:
            line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
            broken.append(Broken(name, f"{type(error).__name__}: {getattr(error, 'msg', None) or error}{line}"))
    found.sort(key=lambda cls: (FAMILIES.index(cls.family) if cls.family in FAMILIES else 99, cls.place, cls.label))
    return Catalog({cls.__name__: cls for cls in found}, tuple(broken))


def _import_file(path: Path) -> ModuleType:
    name = f"memory_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their module up by name
    spec.loader.exec_module(module)
    return module


def _memories(module: ModuleType) -> list[type[Memory]]:
    """Return the memories that a module itself defines; classes in LangChain's old form are adapted."""
    found: list[type[Memory]] = []
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if cls.__module__ != module.__name__:
            continue
        if issubclass(cls, Memory):
            if not inspect.isabstract(cls):
                found.append(_complete(cls))
        elif any(base.__name__ == "BaseMemory" and base.__module__.startswith("langchain") for base in cls.__mro__):
            from memory.classic import adapt

            found.append(adapt(cls))
    return found


def _complete(cls: type[Memory]) -> type[Memory]:
    lacking = [name for name in ("short", "label", "keeps", "forgets", "costs") if not hasattr(cls, name)]
    if lacking:
        raise TypeError(f"{cls.__name__} lacks {', '.join(lacking)}")
    return cls
