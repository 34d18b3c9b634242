"""`python -m memory project`: averages typed or taken from a file, crossing turns, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from memory.commands import main
from memory.commands.project import _SIZES
from memory.exchange.writing import export_thread
from memory.money.averages import Averages
from memory.money.prices import dollars
from memory.stores.inmemory import InMemoryStore
from tests.memory.fakes import conversation, say

PEER = ("--system", "300", "--user", "80", "--assistant", "200", "--summary", "250", "--template", "150")


def projected(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code = main(["project", *arguments, "--json", "-"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == 0
    return found


def test_the_table_says_what_each_memory_costs_and_where_lines_cross(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["project", "--memory", "buffer", "--memory", "window:k=5", "--turns", "150", *PEER])
    shown = capsys.readouterr().out
    assert code == 0
    assert "150 turns of 80 + 200 tokens after 300 of instructions (typed sizes); prices of openai:gpt-5-mini" in shown
    assert "without caching, buffer costs more than window:k=5 from turn 7 on" in shown
    assert "with caching, buffer costs more than window:k=5 from turn 98 on" in shown


def test_the_json_has_every_turn_and_every_crossing(capsys: pytest.CaptureFixture[str]) -> None:
    found = projected(capsys, "--memory", "buffer", "--memory", "summary", "--turns", "250", *PEER)
    buffer, summary = found["memories"]
    assert len(buffer["turns"]) == len(summary["turns"]) == 250
    assert [turn["prompt_tokens"] for turn in buffer["turns"][:3]] == [380, 660, 940]
    assert buffer["turns"][-1]["cost_with_caching_so_far"] == buffer["totals"]["cost_with_caching"]
    assert found["crossings"]["with_caching"][-1] == {"turn": 212, "dearer": "buffer", "cheaper": "summary"}
    assert found["crossings"]["without_caching"][-1] == {"turn": 22, "dearer": "buffer", "cheaper": "summary"}
    own = summary["own_calls"]
    assert (own["calls"], own["output_tokens"]) == (250, 250 * 250)
    # 150 + 280 without a summary before it, 250 more with one.
    assert own["input_tokens"] == 250 * 430 + 249 * 250
    assert Decimal(own["cost"]) == own["input_tokens"] * Decimal("0.25e-6") + own["output_tokens"] * Decimal("2e-6")


def test_the_table_the_help_and_the_json_call_each_cost_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    found = projected(capsys, "--memory", "buffer", "--turns", "40", *PEER)["memories"][0]["totals"]
    without, cached = (Decimal(found[f"cost_{name}_caching"]) for name in ("without", "with"))
    assert cached < without
    main(["project", "--memory", "buffer", "--turns", "40", *PEER])
    head, row = capsys.readouterr().out.splitlines()[2:4]
    assert head.endswith("  without caching  with caching")
    assert row.split()[-2:] == [dollars(without), dollars(cached)]
    with pytest.raises(SystemExit):
        main(["project", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert 'The cost "with caching" counts prompt caching' in said
    assert "cost_with_caching and cost_without_caching" in said


def test_hit_rate_pauses_and_models_are_knobs(capsys: pytest.CaptureFixture[str]) -> None:
    def cost(*more: str) -> Decimal:
        found = projected(capsys, "--memory", "buffer", "--turns", "40", *PEER, *more)
        return Decimal(found["memories"][0]["totals"]["cost_with_caching"])

    assert cost() < cost("--hit-rate", "0.5") == cost("--pauses", "0.5") < cost("--hit-rate", "0")
    assert cost("--model", "gpt-4o-mini") != cost()


def test_averages_come_from_a_file_and_what_is_typed_holds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    said = [{"role": role, "content": "one two three"} for _ in range(4) for role in ("user", "assistant")]
    file.write_text(json.dumps(said))
    found = projected(capsys, str(file), "--memory", "buffer", "--turns", "2")
    assert (found["averages"]["user"], found["averages"]["assistant"], found["averages"]["system"]) == (3, 3, 0)
    found = projected(capsys, str(file), "--memory", "buffer", "--turns", "2", "--assistant", "50", "--system", "9")
    assert [turn["prompt_tokens"] for turn in found["memories"][0]["turns"]] == [12, 65]


def test_our_own_export_brings_the_sizes_of_its_prompts_and_calls(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    talk = conversation(InMemoryStore(), "summary", instructions="Be brief and kind.", writer=lambda _: "one two three")
    say(talk, "one two", "three four", "five six")
    file = tmp_path / "own.json"
    file.write_bytes(export_thread(talk.store, talk.user, talk.thread))
    found = projected(capsys, str(file), "--memory", "summary", "--turns", "2")["averages"]
    assert (found["system"], found["user"], found["summary"]) == (5, 2, 3)


def test_of_lines_that_cross_often_the_last_crossing_alone_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--memory", "summary_buffer", "--memory", "summarization", "--turns", "200", *PEER)
    all_of_them = projected(capsys, *given)["crossings"]["without_caching"]
    assert len(all_of_them) > 2
    main(["project", *given])
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("without caching, ")]
    last, before = all_of_them[-1], len(all_of_them) - 1
    assert told == [
        f"without caching, {last['dearer']} costs more than {last['cheaper']} from turn {last['turn']} on "
        f"(after {before} crossings before)"
    ]


def test_a_memory_of_which_nothing_is_known_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--memory", "key_value", "--memory", "buffer", "--memory", "window:k=5", "--turns", "150", *PEER)
    assert main(["project", *given]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[1:3] for line in shown.splitlines() if line.startswith("key_value  ")] == [["not", "known"]]
    assert "key_value: not known: nothing is known of how Key value grows; let it answer a few turns" in shown
    assert "without caching, buffer costs more than window:k=5 from turn 7 on" in shown
    found = projected(capsys, *given)
    unknown, buffer, _ = found["memories"]
    assert (unknown["memory"], unknown["totals"], unknown["turns"]) == ("KeyValueMemory", None, None)
    assert "nothing is known of how Key value grows" in unknown["not_known"]
    assert buffer["not_known"] is None
    assert unknown.keys() == buffer.keys()
    assert main(["project", "--memory", "key_value", "--turns", "3"]) == 0


def test_an_unknown_price_is_null_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["project", "--memory", "buffer", "--turns", "3", "--model", "ollama:llama3", "--json", "-"])
    shown = capsys.readouterr()
    assert code == 0
    assert json.loads(shown.out)["memories"][0]["totals"]["cost_with_caching"] is None
    assert "The price of ollama:llama3 is not known." in shown.err
    main(["project", "--memory", "buffer", "--turns", "3", "--model", "ollama:llama3"])
    assert "unknown" in capsys.readouterr().out


def test_what_is_assumed_stands_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["project", "--memory", "vector:k=4", "--memory", "buffer", "--turns", "60", "--model", "openai:gpt-4"])
    shown = capsys.readouterr()
    assert "vector:k=4: assumed: as many turns are recalled as it may, others each time." in shown.out
    assert "buffer: from turn 26 on the model's window is full and old turns stay out." in shown.out
    assert "No rule of prompt caching is known for openai:gpt-4" in shown.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--turns", "3"), "--memory is missing"),
        (("--memory", "bufer", "--turns", "3"), "did you mean 'buffer'"),
        (("--memory", "buffer", "--turns", "0"), "0 turns cannot be projected"),
        (("--memory", "buffer", "--turns", "3", "--model", "opnai:gpt-5-mini"), "did you mean openai:gpt-5-mini?"),
        (("no-such-file", "--memory", "buffer", "--turns", "3"), "no-such-file"),
    ],
)
def test_wrong_input_is_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert main(["project", *arguments]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--turns", "many"), ("--turns", "3", "--hit-rate", "2"), ("--user", "-1")])
def test_what_is_no_number_is_refused_by_its_option(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["project", "--memory", "buffer", *arguments])
    assert ended.value.code == 2
    assert arguments[-2] in capsys.readouterr().err


def test_the_sizes_that_help_names_are_those_that_are_taken() -> None:
    assert {name: size or 0 for name, (_, size) in _SIZES.items()} == {
        name: getattr(Averages(), name) for name in _SIZES
    }
