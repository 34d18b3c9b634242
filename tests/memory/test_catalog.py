"""The catalogue finds every memory by looking, and a plug-in that is broken stops nothing else."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory.base import Memory, State
from memory.catalog import FAMILIES, load
from memory.conversation import Conversation
from memory.errors import BadInput, StoreUnavailable
from memory.stores.inmemory import InMemoryStore
from tests.memory.fakes import FakeChat, FakeServices, conversation, lazily, plain, say

GOOD = '''
from memory.base import LeftOut, Memory, Recall

class {name}(Memory):
    """Sends nothing."""
    short, label, keeps, forgets, costs, family = "{short}", "{short}", "nothing", "all", "nothing", "custom"

    def read(self, state, transcript, query, services, budget):
        return Recall(left_out=(LeftOut((0, len(transcript)), "it sends nothing"),) if transcript else ())
'''

Drop = Callable[..., None]


@pytest.fixture
def drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drop:
    """Drop files into a plug-in folder that the operator has set."""
    monkeypatch.setenv("MEMORY_PLUGINS", str(tmp_path))

    def files(**texts: str) -> None:
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))

    return files


def custom() -> list[str]:
    return [name for name, cls in load().memories.items() if cls.family == "custom"]


# What there is


def test_every_memory_says_what_a_reader_of_the_selector_needs() -> None:
    catalog = load()
    assert catalog.broken == ()
    for name, cls in catalog.memories.items():
        assert cls.__name__ == name
        assert cls.family in FAMILIES
        assert cls.short == cls.short.lower()
        assert cls.__doc__
        for line in (cls.label, cls.keeps, cls.forgets, cls.costs):
            assert line
            assert "\n" not in line
            assert not line.endswith(".") or "not known" in line
        for setting in cls.Settings.model_fields.values():
            assert setting.description
            assert not setting.is_required()


def test_the_families_stand_in_their_order_and_names_are_unique() -> None:
    memories = list(load().memories.values())
    places = [FAMILIES.index(cls.family) for cls in memories]
    assert places == sorted(places)
    assert [cls.short for cls in memories][:4] == ["none", "buffer", "window", "token_buffer"]
    names = [name for cls in memories for name in (cls.__name__, cls.short)]
    assert len(names) == len(set(names))


# By name


def test_a_memory_is_found_by_either_name_with_its_settings() -> None:
    catalog = load()
    assert catalog.memory("window:k=3, step = 2").settings.model_dump() == {"k": 3, "step": 2}
    assert catalog.memory("ConversationBufferWindowMemory").settings.model_dump() == {"k": 5, "step": 1}
    assert catalog.find("window") is catalog.find("ConversationBufferWindowMemory")
    assert catalog.make("summary_buffer", {"max_token_limit": 60}).name == "ConversationSummaryBufferMemory"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("windw", "There is no memory 'windw'; did you mean 'window'?"),
        ("ConversationBufferWindow", "did you mean 'ConversationBufferWindowMemory'?"),
        ("zzz", "There is no memory 'zzz'; choose none, buffer, window"),
        ("window:kk=3", "ConversationBufferWindowMemory has no setting 'kk'; did you mean 'k'?"),
        ("none:k=3", "NoMemory has no setting 'k'; it has no settings."),
        ("window:zzz=3", "it has k, step."),
        ("window:k=-1", "k: Input should be greater than or equal to 0"),
        ("window:k=three", "k: Input should be a valid integer"),
        ("window:k", "k: Input should be a valid integer"),
        ("token_buffer:max_token_limit=1000001", "max_token_limit: Input should be less than or equal to 1000000"),
        ("", "There is no memory ''"),
        ('simple:memories={"name"', "memories is no JSON (Expecting"),
        ("window:k=3, k=4", "k is given twice: give it once."),
        ("simple:memories=dog", 'memories: write it as simple:memories={"name":"Alex"}.'),
        ('simple:memories={"name":1}', "memories.name: Input should be a valid string"),
    ],
)
def test_an_unknown_name_or_setting_is_refused_with_what_is_near(spec: str, said: str) -> None:
    with pytest.raises(BadInput) as refusal:
        load().memory(spec)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        ('simple:memories={"name":"Alex","city":"Oslo"}', {"memories": {"name": "Alex", "city": "Oslo"}}),
        ('simple:memories={"a":"x, ]\\"}, y"}', {"memories": {"a": 'x, ]"}, y'}}),
        ("window: k = 3 ,, step=2,", {"k": 3, "step": 2}),
        (
            "combined:memories=window(k=3,step=2)+vector(k=4),max_token_limit=500",
            {"memories": "window(k=3,step=2)+vector(k=4)", "max_token_limit": 500, "memory_place": "before"},
        ),
    ],
)
def test_a_value_in_brackets_or_quotation_marks_may_hold_commas(spec: str, settings: dict[str, Any]) -> None:
    assert load().memory(spec).settings.model_dump() == settings


def test_every_memory_is_asked_to_remove_what_it_keeps_also_after_one_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMORY_KEY_VALUE_FILE", str(tmp_path / "saved"))
    catalog = load()
    asked: list[str] = []

    def erase(cls: type[Memory], user: str) -> int:
        asked.append(user)
        if len(asked) == 1:
            raise OSError("gone")
        return len(asked) - 2

    for cls in list(catalog.memories.values())[:3]:
        monkeypatch.setattr(cls, "erase", classmethod(erase))
    with pytest.raises(StoreUnavailable, match=r"None failed to remove what it keeps \(OSError: gone\)\."):
        catalog.erase("ana")
    assert asked == ["ana"] * 3
    assert catalog.erase("ana") == dict(zip(["None", "Buffer", "Window"], [2, 3, 4], strict=True))


# Plug-ins


def test_a_file_that_is_dropped_into_the_folder_is_there_at_once_and_gone_with_it(drop: Drop, tmp_path: Path) -> None:
    assert custom() == []
    drop(mine=GOOD.format(name="MineMemory", short="mine"))
    assert custom() == ["MineMemory"]
    assert load().memory("mine").name == "MineMemory"
    drop(mine=GOOD.format(name="OtherMemory", short="other"))
    os.utime(tmp_path / "mine.py", ns=(1, 1))
    assert custom() == ["OtherMemory"]
    (tmp_path / "mine.py").unlink()
    assert custom() == []


def test_a_plug_in_takes_part_in_a_conversation(drop: Drop) -> None:
    drop(mine=GOOD.format(name="MineMemory", short="mine"))
    talker = FakeChat()
    say(conversation(InMemoryStore(), "mine", talker), "one", "two")
    assert [len(messages) for messages in talker.seen] == [1, 1]


def good(name: str, short: str) -> str:
    return GOOD.format(name=name, short=short)


LACKING = GOOD.replace("forgets, costs, family", "forgets, family").replace('"all", "nothing"', '"all"')
REQUIRED = good("XMemory", "x") + "\n    class Settings(Memory.Settings):\n        k: int\n"
NO_READ = "from memory.base import Memory\nclass X(Memory): short = 'x'"
NEEDS_MODEL = "from langchain_classic.memory import ConversationSummaryMemory as C\nclass X(C): pass"

BROKEN = {
    "a_syntax_error": ("class X(:", "SyntaxError: invalid syntax (line 1)"),
    "an_import": ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
    "an_exception": ("1 / 0", "ZeroDivisionError: division by zero"),
    "an_exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "no_memory": ("class Memory: pass", "TypeError: it defines no subclass of memory.base.Memory"),
    "only_an_import": ("from memory.base import Memory", "TypeError: it defines no subclass of memory.base.Memory"),
    "no_read": (NO_READ, "TypeError: it defines no subclass"),
    "an_attribute": (LACKING.format(name="XMemory", short="x"), "TypeError: XMemory lacks costs"),
    "a_required_setting": (REQUIRED, "ValidationError: "),
    "a_class_name": (good("NoMemory", "x"), "ValueError: the name NoMemory is taken"),
    "a_short_name": (good("XMemory", "window"), "ValueError: the name window is taken"),
    "a_name_twice": (good("AMemory", "x") + good("BMemory", "x"), "ValueError: the name x is taken"),
    "an_old_form_that_needs_a_model": (NEEDS_MODEL, "TypeError: X needs llm, which has no default"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_plug_in_is_named_and_stops_nothing(drop: Drop, what: str) -> None:
    text, error = BROKEN[what]
    drop(**{what: text, "zz_good": GOOD.format(name="GoodMemory", short="good")})
    catalog = load()
    assert [one.file for one in catalog.broken] == [f"{what}.py"]
    assert catalog.broken[0].error.startswith(error)
    assert "GoodMemory" in catalog.memories
    assert {"NoMemory", "ConversationBufferMemory"} <= set(catalog.memories)
    assert not {"XMemory", "X", "AMemory", "BMemory"} & set(catalog.memories)


def test_of_two_plug_ins_with_one_name_the_second_is_named(drop: Drop) -> None:
    drop(a=GOOD.format(name="MineMemory", short="mine"), b=GOOD.format(name="MineMemory", short="another"))
    assert custom() == ["MineMemory"]
    assert [(one.file, one.error) for one in load().broken] == [("b.py", "ValueError: the name MineMemory is taken")]


def test_a_folder_that_is_not_there_and_files_that_are_no_plug_ins_are_passed_over(drop: Drop, tmp_path: Path) -> None:
    drop(_helper="1 / 0", __init__="1 / 0")
    (tmp_path / "notes.txt").write_text("1 / 0")
    assert load().broken == ()
    assert load(tmp_path / "nowhere").broken == ()


# LangChain's old form

OLD = '''
from typing import Any
from langchain_classic.base_memory import BaseMemory

class {name}(BaseMemory):
    """Remembers what was said. Very simple."""
    said: list[str] = []
    prefix: str = "They said"
    most: int = 3

    @property
    def memory_variables(self) -> list[str]:
        return ["history"]

    def load_memory_variables(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {{"history": f"{{self.prefix}}: " + " / ".join(self.said[-self.most:])}}

    def save_context(self, inputs: dict[str, Any], outputs: dict[str, str]) -> None:
        self.said.append(inputs["input"] + " - " + outputs["output"])

    def clear(self) -> None:
        self.said.clear()
'''


def talk_with(spec: str, talker: FakeChat) -> Conversation:
    return conversation(InMemoryStore(), spec, talker)


def test_a_class_in_langchains_old_form_runs_unchanged(drop: Drop) -> None:
    drop(old=OLD.format(name="SaidMemory"))
    cls = load().find("saidmemory")
    assert list(cls.Settings.model_fields) == ["prefix", "most"]
    assert cls.caveat
    talker = FakeChat(answer=["a1", "a2", "a3"])
    say(talk_with("SaidMemory:prefix=Heard,most=1", talker), "one", "two", "three")
    assert [[message.text for message in messages] for messages in talker.seen] == [
        ["Heard: ", "one"],
        ["Heard: one - a1", "two"],
        ["Heard: two - a2", "three"],
    ]


def test_the_old_form_keeps_to_the_budget_and_says_what_it_cannot_say(drop: Drop) -> None:
    drop(old=OLD.format(name="SaidMemory"))
    turns = [plain(0, "word " * 100, "yes")]
    recall = load().memory("SaidMemory").read(State(), lazily(turns), "?", FakeServices(), 20)
    assert 0 < recall.tokens <= 20
    assert recall.items[0].shortened == 20
    assert "not known" in recall.items[0].why
    assert [left.turns for left in recall.left_out] == [(0, 1)]


def test_langchains_own_classes_can_be_dropped_in(drop: Drop) -> None:
    drop(buffer="from langchain_classic.memory import ConversationBufferMemory as C\nclass OldBuffer(C): pass")
    assert load().broken == ()
    talker = FakeChat(answer=["a1", "a2"])
    say(talk_with("OldBuffer", talker), "one", "x\nAI: I agree")
    assert talker.seen[1][0].text == "Human: one\nAI: a1"


@pytest.fixture(autouse=True)
def _quiet(recwarn: pytest.WarningsRecorder) -> Any:
    """LangChain warns of its own old classes."""
    return recwarn
