"""Several instructions: which of them feedback concerns, each rewritten, those that rest on them after; kept by name.

python -m pytest tests/longterm/test_prompts.py
"""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from memory import forgetting
from memory.errors import BadInput
from memory.forgetting.places import every_text
from memory.longterm.editing import edit
from memory.longterm.prompt_store import instructions_in, keep_prompt, prompt_of
from memory.longterm.prompts import Prompt, improve_all, in_order
from memory.longterm.rewriting import prices
from memory.store import Store
from tests.longterm.test_procedural import talk_of, thumb
from tests.memory.fakes import FakeServices, say, traces_of, turns_of

TONE = Prompt("tone", "Be brief.", "of the manner of answers")
CODE = Prompt("code", "Use tabs in programs.", "of programs")


class Scripted(FakeServices):
    """Services whose model calls these tools, one after the other; it notes which tool was offered and the prompt."""

    def __init__(self, *calls: tuple[str, dict[str, object]]) -> None:
        super().__init__()
        self.script, self.offered = list(calls), list[str]()

    def ask(
        self,
        messages: list[BaseMessage],
        purpose: str,
        max_tokens: int,
        tools: object = (),  # type: ignore[override]
    ) -> AIMessage:
        self.asked.append((purpose, messages))
        self.offered.append(tools[0].__name__)  # type: ignore[index]
        name, args = self.script.pop(0)
        return AIMessage("", tool_calls=[{"name": name, "args": args, "id": "1"}])


def names(*chosen: str) -> tuple[str, dict[str, object]]:
    return "Concerned", {"names": list(chosen)}


def writes(text: str) -> tuple[str, dict[str, object]]:
    return "Instructions", {"instructions": text}


def improved(services: FakeServices, *prompts: Prompt) -> dict[str, str]:
    found = improve_all("prompt_memory", 3, services, prompts, "Human: hi", ["- not helpful: Use spaces"])
    return {one.name: one.text for one in found}


def test_only_the_prompts_that_feedback_concerns_are_rewritten() -> None:
    services = Scripted(names("code"), writes("Use spaces."))
    assert improved(services, TONE, CODE) == {"tone": "Be brief.", "code": "Use spaces."}
    assert services.offered == ["Concerned", "Instructions"]


def test_one_prompt_is_rewritten_without_asking_which() -> None:
    services = Scripted(writes("Use spaces."))
    assert improved(services, CODE) == {"code": "Use spaces."}


def test_what_rests_on_a_changed_prompt_is_looked_at_after_it_and_sees_its_new_words() -> None:
    review = Prompt("review", "Check for tabs.", after=("code",))
    services = Scripted(names("code"), writes("Use spaces."), writes("Check for spaces."))
    assert improved(services, review, TONE, CODE) == {
        "review": "Check for spaces.",
        "tone": "Be brief.",
        "code": "Use spaces.",
    }
    last = services.asked[-1][1][-1].text
    assert "keep to the prompt code, which says now: Use spaces." in last
    assert "- not helpful" not in last


def test_a_prompt_whose_ground_did_not_change_is_left_alone() -> None:
    review = Prompt("review", "Check for tabs.", after=("code",))
    assert improved(Scripted(names("tone"), writes("Be long.")), review, TONE, CODE)["review"] == "Check for tabs."


def test_a_name_that_the_model_makes_up_is_told_and_changes_nothing() -> None:
    services = Scripted(names("nobody"))
    assert improved(services, TONE, CODE) == {"tone": "Be brief.", "code": "Use tabs in programs."}
    assert "no prompt 'nobody'" in str(services.errors[0])


def test_a_rewriting_that_loses_a_variable_is_not_taken() -> None:
    services = Scripted(writes("Greet them."))
    assert improved(services, Prompt("hello", "Greet {name}.")) == {"hello": "Greet {name}."}
    assert "would lose {name}" in str(services.errors[0])


@pytest.mark.parametrize(
    ("prompts", "told"),
    [
        ([Prompt("a"), Prompt("a")], "one name"),
        ([Prompt("a", after=("b",)), Prompt("b", after=("a",))], "rest on each other"),
        ([Prompt("a", after=("a",))], "rest on each other"),
        ([Prompt(str(number)) for number in range(9)], "9 prompts"),
    ],
)
def test_prompts_that_cannot_be_put_in_order_are_refused(prompts: list[Prompt], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        in_order(prompts)


def test_a_prompt_may_rest_on_one_that_is_there_no_longer() -> None:
    assert in_order([Prompt("a", after=("gone",))]) == ["a"]


def test_the_demo_model_rewrites_the_prompt_that_feedback_speaks_of(store: Store) -> None:
    talk = talk_of(store)
    for prompt in (TONE, CODE):
        keep_prompt(talk.services().items, prompt)
    say(talk, "Explain recursion.")
    assert [item.why for item in traces_of(talk)[0].items] == ["instructions v1, evolved from your feedback"] * 2
    assert prices(talk, turns_of(talk)[0], 3)["prompt_memory"].calls == 3
    trace = thumb(talk, 0, words="Use spaces in programs instead.")
    assert trace
    assert [call.purpose for call in trace.calls] == ["instructions"] * 2
    found = {prompt_of(fact).name: fact for fact in instructions_in(talk.services().items)}
    assert prompt_of(found["tone"]) == TONE
    assert prompt_of(found["code"]).text.splitlines() == ["Use tabs in programs.", "Use spaces in programs."]
    assert prompt_of(found["code"]).when == CODE.when
    assert [version.content["instructions"] for version in found["code"].history] == ["Use tabs in programs."]
    say(talk, "Explain sorting.")
    sent = talk.store.texts(talk.user, talk.thread, traces_of(talk)[1].texts.values()).values()
    assert any("Use spaces in programs." in text for text in sent)


def test_what_feedback_made_of_named_instructions_goes_with_its_turn_and_so_do_the_copies(store: Store) -> None:
    talk = talk_of(store)
    keep_prompt(talk.services().items, CODE)
    say(talk, "Explain recursion.")
    thumb(talk, 0, words="Use words of Zanzibar.")
    say(talk, "Explain sorting.")
    assert any("Zanzibar" in place.text for place in every_text(store, talk.user))
    forgetting.forget_turn(store, talk.retrieval, talk.user, talk.thread, 0)
    assert not [place for place in every_text(store, talk.user) if "Zanzibar" in place.text]
    assert not [text for text in store.everything(talk.user, talk.thread)[1].values() if "Zanzibar" in text]
    assert [prompt_of(fact) for fact in instructions_in(talk.services().items)] == [CODE]


def test_a_named_prompt_keeps_its_name_when_its_words_are_edited(store: Store) -> None:
    items = talk_of(store).services().items
    fact = keep_prompt(items, CODE)
    edit(items, fact, {"instructions": "Use two spaces."})
    assert [prompt_of(one) for one in instructions_in(items)] == [Prompt("code", "Use two spaces.", CODE.when)]
    assert (
        keep_prompt(items, Prompt("code", "Use two spaces.", CODE.when)).history[0].content["instructions"] == CODE.text
    )


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        (Prompt("", "x"), "no name"),
        (Prompt("a/b", "x"), "no slash"),
        (Prompt("a", " "), "empty or too long"),
        (Prompt("a", "x", "w" * 301), "300 characters"),
        (Prompt("a", "x", after=("a",)), "rest on each other"),
    ],
)
def test_a_prompt_that_is_none_is_refused_in_a_sentence(memory_store: Store, prompt: Prompt, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        keep_prompt(talk_of(memory_store).services().items, prompt)
