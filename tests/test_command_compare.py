"""`python -m memory compare`: its table and bars, what it writes, sweeps, limits, and what it says of wrong input."""

from __future__ import annotations

import csv
import io
import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from memory.catalog import load
from memory.commands import _compare_run, main
from memory.commands._compare_chosen import chosen
from memory.commands._compare_table import written
from memory.compare.bounds import bounds
from memory.compare.estimate import asks_a_model
from memory.compare.experiment import Sweep
from memory.compare.figures import summaries
from memory.compare.written import read
from memory.errors import BadInput
from tests.compare.small import experiment, priced, run_all, talk
from tests.formats.test_import import FILES
from tests.test_command_replay import Run, locomo, write


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process: its exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(("compare", *arguments, "--embeddings", "hashing"))
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def one(tmp_path: Path) -> str:
    return write(tmp_path, locomo("conv-1"), "one.json")


@pytest.fixture
def two(tmp_path: Path) -> str:
    return write(tmp_path, locomo("conv-1", "conv-2"), "two.json")


def test_the_table_has_a_line_for_each_memory_and_bars_below(run: Run, one: str) -> None:
    code, out, err = run(one, "--memory", "buffer", "--memory", "window:k=2", "--sweep", "vector:k=1..2")
    assert code == 0
    title, _, *lines = out.splitlines()
    assert title == "Ann and Ben: 6 turns, 3 questions; tokens and prices of openai:gpt-5-mini"
    names = ["buffer", "window:k=2", "vector:k=1", "vector:k=2"]
    assert [name for line in lines for name in names if f" {name} " in f" {line} "] == names * 2
    assert "Evidence in the prompt is not answer accuracy" in out
    assert "100.0 %" in next(line for line in lines if line.split()[0] in ("*", "buffer"))
    assert err.splitlines()[0] == "1 id names no message as evidence: D9:9."


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_format_is_compared(run: Run, tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(FILES[name])
    code, out, err = run(str(file), "--memory", "buffer", "--memory", "window:k=1", "--json", "-")
    assert code == 0, err
    found, results = read(out)
    assert len(results) == 2 * len(found.conversations)
    assert not [result.failed for result in results.values() if result.failed]


def test_its_figures_are_those_of_replay(run: Run, one: str, capsys: pytest.CaptureFixture[str]) -> None:
    memories = "--memory", "window:k=2", "--memory", "vector:k=1", "--memory", "summary"
    _, out, _ = run(one, *memories, "--json", "-")
    assert main(("replay", one, *memories, "--embeddings", "hashing", "--json", "-")) == 0
    replayed = json.loads(capsys.readouterr().out)["runs"]
    for row, found in zip(json.loads(out)["rows"], replayed, strict=True):
        for name in ("input_tokens", "output_tokens"):
            assert row[name] == found["totals"][name]
        for name in ("cost", "cost_uncached"):
            assert Decimal(row[name]) == Decimal(found["totals"][name])
        assert (row["recall"], row["full"]) == (found["evidence"]["recall"], found["evidence"]["full"])
        assert (row["question_tokens"], row["overlap"]) == (found["evidence"]["tokens"], found["evidence_by_overlap"])


def test_a_scenario_and_several_files_are_taken_together(run: Run, one: str, two: str) -> None:
    code, out, _ = run("scenario:moved", one, two, "--memory", "buffer", "--json", "-")
    assert code == 0
    whole = json.loads(out)
    assert [found["id"] for found in whole["recordings"]] == ["moved", "conv-1", "conv-1", "conv-2"]
    assert whole["rows"][0]["recordings"] == 4
    code, out, _ = run(one, two, "--conversation", "conv-2", "--memory", "buffer", "--json", "-")
    assert [found["id"] for found in json.loads(out)["recordings"]] == ["conv-2"]


def test_without_a_memory_all_are_compared_that_call_no_model(run: Run, one: str) -> None:
    code, out, _ = run(one, "--csv", "-")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["memory"] for row in rows] == [name for name in load().memories if not asks_a_model(name)]
    assert {row["own_calls"] for row in rows} == {"0"}
    assert "ConversationSummaryMemory" not in {row["memory"] for row in rows}


def test_everything_is_written_beside_the_table(run: Run, one: str, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("o.json", "o.md", "o.csv", "turns.csv")]
    options = zip(("--json", "--markdown", "--csv", "--csv-by-turn"), files, strict=True)
    code, out, _ = run(one, "--memory", "buffer", *(part for pair in options for part in pair))
    assert code == 0
    assert "buffer" in out
    found, results = read(Path(files[0]).read_bytes())
    assert (found.columns[0].memory, list(results)) == ("ConversationBufferMemory", [(0, 0)])
    assert Path(files[1]).read_text("utf-8").startswith("# Ann and Ben\n")
    assert len(Path(files[2]).read_text("utf-8").splitlines()) == 2
    assert len(Path(files[3]).read_text("utf-8").splitlines()) == 7


def test_turns_questions_and_words_are_left_out_where_that_is_asked(run: Run, one: str) -> None:
    code, out, _ = run(one, "--memory", "buffer", "--turns", "1:3", "--questions", "none", "--json", "-")
    assert code == 0
    whole = json.loads(out)
    assert (whole["lines"][0]["turns"], whole["rows"][0]["questions"]) == ([2, 3], 0)
    assert whole["results"][0]["result"]["questions"] == []
    for option in ("--json", "--markdown"):
        _, out, _ = run(one, "--memory", "none", "--answer", "--no-prompts", option, "-")
        assert "garden" not in out
        assert "Where was" not in out


def test_several_processes_come_to_the_same(run: Run, two: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for count in (1, 2):
        monkeypatch.setattr(_compare_run, "processes", lambda *_, count=count: count)
        code, out, _ = run(two, "--memory", "buffer", "--memory", "vector:k=1", "--csv", "-")
        assert code == 0
        rows = list(csv.DictReader(io.StringIO(out)))
        said.append([{**row, "seconds": ""} for row in rows])
    assert said[0] == said[1]


def test_limits_are_checked_for_every_memory_and_each_that_fails_is_named(run: Run, one: str) -> None:
    memories = "--memory", "buffer", "--memory", "none"
    code, out, err = run(one, *memories, "--require", "recall>=0.8", "--require", "tokens<=1", "--require", "cost<=1")
    assert code == 1
    assert "buffer" in out
    failing = [line for line in err.splitlines() if "does not hold" in line]
    assert [line.partition(" is ")[0] for line in failing] == [
        "none: recall>=0.8 does not hold: recall",
        "buffer: tokens<=1 does not hold: tokens",
        "none: tokens<=1 does not hold: tokens",
    ]
    assert failing[0].endswith("recall is 0")
    assert run(one, "--memory", "buffer", "--require", "recall>=80%", "--require", "full=1")[0] == 0


def test_what_is_not_known_does_not_hold(run: Run, one: str) -> None:
    code, _, err = run(one, "--memory", "buffer", "--questions", "none", "--require", "recall>=0")
    assert code == 1
    assert "recall is not known: no question has evidence" in err
    code, _, err = run(one, "--memory", "buffer", "--price-model", "openai:gpt-nobody-knows", "--require", "cost<=1")
    assert code == 1
    assert "cost is not known: a price is not known" in err


def test_the_rules_can_be_a_limit(run: Run, one: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(one, "--memory", "window:k=2", "--turns", ":3", "--require", "lint")[0] == 0
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "greedy.py").write_text(GREEDY, "utf-8")
    monkeypatch.setenv("MEMORY_PLUGINS", str(tmp_path / "plugins"))
    code, _, err = run(one, "--memory", "greedy", "--budget", "5", "--require", "lint")
    assert code == 1
    assert "greedy: lint does not hold: " in err
    assert "rule 2, what is sent keeps to its limit" in err


GREEDY = '''
from memory.base import Item, Memory, Recall

class Greedy(Memory):
    """Sends all turns, whatever the budget."""
    short = label = "greedy"
    keeps = forgets = costs = "nothing"
    def read(self, state, transcript, query, services, budget):
        size = sum(turn.count(services.encoding) for turn in transcript)
        span = f"turns:0-{len(transcript)}"
        return Recall((Item(span, "history", "all", size, turns=(0, len(transcript))),) if len(transcript) else ())
'''


BROKEN = '''
from memory.base import Memory, Recall

class Broken(Memory):
    """Fails in its third turn."""
    short = label = "broken"
    keeps = forgets = costs = "nothing"
    def read(self, state, transcript, query, services, budget):
        if len(transcript) == 2:
            raise ValueError("too much")
        return Recall()
'''


def test_a_memory_that_fails_is_a_row_that_says_why_and_stops_no_other(
    run: Run, one: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "broken.py").write_text(BROKEN, "utf-8")
    monkeypatch.setenv("MEMORY_PLUGINS", str(tmp_path / "plugins"))
    code, out, _ = run(one, "--memory", "broken", "--memory", "buffer")
    assert code == 1
    assert "broken: failed after 2 turns: Broken failed at turn 2 of conv-1 (ValueError: too much)" in out
    assert "100.0 %" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--memory", "widow"), "--memory widow: There is no memory 'widow'; did you mean 'window'?"),
        (("--sweep", "window"), "--sweep window: it has no range; write one, such as window:k=1..20"),
        (("--sweep", "window:k=1..41"), "--sweep window:k=1..41: That range has 41 values and at most 40 are run"),
        (("--sweep", "window:k=1..30", "--sweep", "vector:k=1..30"), "More than 40 memories and settings are chosen"),
        (("--sweep", "window:k=1..2,step=1..2"), "2 settings have several values, and one is swept"),
        (("--sweep", "window:k=3..1"), "A range goes from a number to one that is not less"),
        (("--sweep", "time_weighted:decay_rate=0.1..0.3"), "write 0.1..0.3..0.1 for steps of 0.1"),
        (("--sweep", "widow:k=1..3"), "did you mean 'window'?"),
        (("--require", "recal>=1"), "--require recal>=1: there is no figure named recal; did you mean recall?"),
        (("--json", "-", "--csv", "-"), "only one of --json, --markdown, --csv and --csv-by-turn"),
        (("--markdown", "/no/such/folder/x.md"), "name a file in a folder that can be written"),
        (("--budget", "-1"), "--budget -1: give a number of tokens from 0 on"),
        (("--conversation", "conv-7"), "there is no such conversation; did you mean conv-1?"),
        (("--price-model", "opnai:gpt-5-mini"), "did you mean openai:gpt-5-mini?"),
    ],
)
def test_wrong_input_is_one_line_with_the_remedy(run: Run, one: str, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(one, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_broken_file_is_named_with_its_place(run: Run, tmp_path: Path, one: str) -> None:
    for text in ("", '[{"role": "user"', "\x00\x01"):
        broken = write(tmp_path, text, "broken.json")
        code, out, err = run(one, broken, "--memory", "buffer")
        assert (code, out) == (2, "")
        assert "broken.json" in err
    assert run(str(tmp_path / "nobody.json"))[0] == 2


def test_a_stream_without_the_letters_ends_no_command(one: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(("compare", one, "--memory", "buffer", "--memory", "none", "--embeddings", "hashing")) == 0
    stream.flush()
    said = data.getvalue().decode("ascii")
    assert "?" not in said
    assert "####" in said


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_table_fits_the_terminal_and_keeps_what_matters_most(width: int) -> None:
    specs = ["buffer", "window:k=1", "token_buffer:max_token_limit=1000"]
    of = experiment(specs, [talk()])
    results = run_all(of, [talk()])
    results[0, 1] = priced("1", failed="It broke in a way that takes many words to tell, more than a line has.")
    rows = summaries(of, results)
    text = written(of, specs, rows, bounds(talk(), "o200k_base"), width, plain=False)
    lines = text.splitlines()
    body = [line for line in lines[1:] if "recall" in line or "%" in line]
    if width >= 80:
        assert max(map(len, lines)) <= width
    assert any("recall" in line for line in body)
    assert "failed after 1 turn" in text
    whole = written(of, specs, rows, bounds(talk(), "o200k_base"), 0, plain=False)
    assert "token_buffer:max_token_limit=1000" in whole
    assert "overlap" in whole


def test_a_sweep_has_its_columns_beside_each_other_and_each_memory_stands_once() -> None:
    found = chosen(["window:k=3", "buffer", "buffer"], ["window:k=2..4", "vector:k=5..15..5", "vector:k=2|5|50"])
    assert found.names == [
        "window:k=3",
        "buffer",
        "window:k=2",
        "window:k=4",
        "vector:k=5",
        "vector:k=10",
        "vector:k=15",
        "vector:k=2",
        "vector:k=50",
    ]
    assert found.sweeps == (Sweep("k", 2, 4), Sweep("k", 4, 7), Sweep("k", 7, 9))
    with pytest.raises(BadInput, match="--memory"):
        chosen(["window:k=-1"], [])
