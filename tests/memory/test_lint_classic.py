"""The lint on LangChain's own classes: their known defects are found by running them, and nowhere else.

python -m pytest tests/memory/test_lint_classic.py
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from memory.base import Turn
from memory.catalog import load
from memory.commands._lint_table import written
from memory.demo import DemoChatModel
from memory.errors import BadInput
from memory.lint import Report, check_settings, classic_spec, lint_classic, scratch_server, twin
from memory.lint.deployed import Deployed
from memory.lint.history import RedisChatMessageHistory
from memory.lint.server import Server
from memory.lint.spec import classes
from memory.lint.watch import Watch
from memory.server.connect import Connection
from tests.memory.fakes import plain, with_tools
from tests.memory.lint_talk import talk

LENGTH = 45


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with scratch_server() as server:
        assert server.ready, server.why
        yield server


_known: dict[tuple[str, int], dict[str, Report]] = {}


def lint(spec: str, server: Server, length: int = LENGTH) -> dict[str, Report]:
    """Lint a class, once for all tests; return its reports by their history."""
    if (spec, length) not in _known:
        found = lint_classic(classic_spec(f"classic:{spec}"), talk(length), server)
        _known[spec, length] = {report.history: report for report in found}
    return _known[spec, length]


def verdict(report: Report, id: str) -> str:
    check = report.check(id)
    assert check, id
    return check.verdict


def evidence(report: Report, id: str) -> str:
    check = report.check(id)
    assert check, id
    return check.said


# --- the defects ------------------------------------------------------------------------------------------------------


def test_a_token_buffer_exceeds_its_limit_over_redis_and_keeps_to_it_in_memory(server: Server) -> None:
    reports = lint("ConversationTokenBufferMemory(max_token_limit=200)", server)
    limit = reports["Redis"].check("limit")
    assert limit
    assert limit.verdict == "broken"
    assert limit.sent
    assert limit.limit == 200
    assert limit.sent > 3 * limit.limit
    assert f"{limit.sent:,} tokens were sent of 200, before turn {LENGTH}" in limit.said
    kept = reports["in memory"].check("limit")
    assert kept
    assert kept.verdict == "holds"
    assert kept.sent
    assert kept.sent <= 200
    assert verdict(reports["Redis"], "transcript") == "holds"
    assert verdict(reports["in memory"], "transcript") == "broken"


def test_pruning_over_redis_counts_more_with_every_turn(server: Server) -> None:
    reports = lint("ConversationTokenBufferMemory(max_token_limit=200)", server)
    assert verdict(reports["Redis"], "growth") == "broken"
    assert "messages counted in tokens" in evidence(reports["Redis"], "growth")
    assert verdict(reports["in memory"], "growth") == "holds"


def test_a_run_that_is_stopped_says_with_how_many_turns_it_was_tried(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.lint.classic_live.MOST_COUNTED", 3_000)
    spec = classic_spec("classic:ConversationTokenBufferMemory(max_token_limit=200)")
    redis, in_memory = lint_classic(spec, talk(LENGTH), server)
    assert redis.tried is not None
    assert 0 < redis.tried < redis.turns == LENGTH
    head, why, *_ = written("talk", redis, io.StringIO()).splitlines()
    assert head.startswith(f"talk, {LENGTH} turns, tried with {redis.tried}: ConversationTokenBufferMemory")
    assert f"after turn {redis.tried} it had counted" in why
    assert f"all {redis.tried} turns are in its history" in evidence(redis, "transcript")
    assert f" of {LENGTH} turns, saved again" in evidence(redis, "replay")
    assert (redis.to_json()["tried"], redis.to_json()["turns"]) == (redis.tried, LENGTH)
    assert redis.to_json()["stopped"] in why
    assert (in_memory.tried, in_memory.to_json()["tried"], in_memory.to_json()["stopped"]) == (None, LENGTH, None)
    assert written("talk", in_memory, io.StringIO()).startswith(f"talk, {LENGTH} turns: ")


def test_a_summary_buffer_exceeds_its_limit_over_redis_and_by_its_summary_in_memory(server: Server) -> None:
    reports = lint("ConversationSummaryBufferMemory(max_token_limit=200)", server)
    over, beside = reports["Redis"].check("limit"), reports["in memory"].check("limit")
    assert over
    assert beside
    assert over.verdict == beside.verdict == "broken"
    assert over.sent
    assert beside.sent
    assert over.sent > 2 * beside.sent > 2 * 200


def test_a_failed_summary_loses_messages(server: Server) -> None:
    buffer = lint("ConversationSummaryBufferMemory(max_token_limit=200)", server)
    assert verdict(buffer["in memory"], "failure") == "broken"
    assert "in nothing that it sends or asked later" in evidence(buffer["in memory"], "failure")
    # Over Redis nothing is ever taken out of the history, so that it is all handed over again.
    assert verdict(buffer["Redis"], "failure") == "holds"
    summary = lint("ConversationSummaryMemory", server)
    assert {verdict(report, "failure") for report in summary.values()} == {"broken"}


@pytest.mark.parametrize("name", ["ConversationSummaryMemory", "ConversationSummaryBufferMemory(max_token_limit=200)"])
def test_a_summary_is_gone_after_a_restart_over_the_same_redis(name: str, server: Server) -> None:
    check = lint(name, server)["Redis"].check("restart")
    assert check
    assert check.verdict == "broken"
    assert "what it had noted was in the old one alone" in check.said
    lost = [line for line in check.diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert lost
    assert "is about subject" in lost[0]


def test_what_stands_in_redis_alone_survives_a_restart(server: Server) -> None:
    for name in ("ConversationBufferMemory", "ConversationBufferWindowMemory"):
        reports = lint(name, server)
        assert verdict(reports["Redis"], "restart") == "holds"
        assert "begins with an empty history" in evidence(reports["in memory"], "restart")


def test_a_vector_store_memory_clears_nothing(server: Server) -> None:
    (report,) = lint("VectorStoreRetrieverMemory", server).values()
    check = report.check("clear")
    assert check
    assert check.verdict == "broken"
    assert "after clear() it still holds" in check.said
    assert "(turn " in check.said
    assert check.turns


def test_the_others_clear_what_they_hold(server: Server) -> None:
    for name in ("ConversationBufferMemory", "ConversationSummaryMemory", "ConversationBufferWindowMemory"):
        assert {verdict(report, "clear") for report in lint(name, server, 12).values()} == {"holds"}


def test_entity_memory_with_k_0_sends_everything(server: Server) -> None:
    reports = lint("ConversationEntityMemory(k=0)", server, 12)
    for report in reports.values():
        assert verdict(report, "limit") == "broken"
        assert "k=0 and" in evidence(report, "limit")
    kept = lint("ConversationBufferWindowMemory(k=0)", server, 12)
    assert {verdict(report, "limit") for report in kept.values()} == {"holds"}


def test_a_window_tears_tool_calls_and_reads_its_whole_list_over_redis(server: Server) -> None:
    reports = lint("ConversationBufferWindowMemory(k=2)", server)
    assert {verdict(report, "tools") for report in reports.values()} == {"broken"}
    assert "was sent without its call" in evidence(reports["Redis"], "tools")
    assert verdict(reports["Redis"], "growth") == "broken"
    assert "messages read beyond those sent" in evidence(reports["Redis"], "growth")
    assert verdict(reports["in memory"], "growth") == "holds"


def test_saving_asynchronously_skips_the_summary(server: Server) -> None:
    reports = lint("ConversationSummaryMemory", server, 12)
    assert {verdict(report, "async") for report in reports.values()} == {"broken"}
    buffer = lint("ConversationBufferMemory", server, 12)
    assert {verdict(report, "async") for report in buffer.values()} == {"holds"}


def test_a_typed_line_passes_for_the_model_s_where_messages_become_one_text(server: Server) -> None:
    as_text = lint("ConversationBufferMemory(return_messages=False)", server, 12)
    as_messages = lint("ConversationBufferMemory", server, 12)
    assert {verdict(report, "roles") for report in as_text.values()} == {"broken"}
    assert {verdict(report, "roles") for report in as_messages.values()} == {"holds"}


def test_own_calls_are_counted_and_are_on_no_record(server: Server) -> None:
    report = lint("ConversationSummaryMemory", server, 12)["Redis"]
    assert evidence(report, "calls").startswith("12 calls with ")
    assert verdict(report, "calls") == "broken"


def test_the_newest_turn_is_lost_where_one_message_is_over_the_limit(server: Server) -> None:
    turns = [plain(0, "Hello.", "Hello."), plain(1, "Tell me.", "word " * 400), plain(2, "And now?", "Nothing.")]
    redis, in_memory = lint_classic(
        classic_spec("classic:ConversationTokenBufferMemory(max_token_limit=60)"), turns, server
    )
    assert verdict(redis, "newest") == "holds"
    check = in_memory.check("newest")
    assert check
    assert (check.verdict, check.turns) == ("broken", (2,))
    assert "nothing of turn 2, just spoken, was sent" in check.said


def test_every_class_is_linted_to_its_end_and_says_what_is_not_known(server: Server) -> None:
    for name in classes():
        for report in lint(name, server, 12).values():
            checks = {check.id: check for check in report.checks}
            assert len(checks) == len(report.checks)
            assert checks["forget"].verdict == checks["sources"].verdict == "not known"
            assert all(check.said for check in report.checks)
            assert verdict(report, "read") != "not known"


def test_a_run_that_grows_with_the_square_is_ended(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.lint.classic_live.MOST_COUNTED", 2_000)
    reports = lint("ConversationTokenBufferMemory(max_token_limit=100, chat_memory=RedisChatMessageHistory())", server)
    assert list(reports) == ["Redis"]
    assert "was stopped" in evidence(reports["Redis"], "growth")
    assert verdict(reports["Redis"], "growth") == "broken"


def test_a_conversation_with_tool_calls_is_saved_as_two_texts(server: Server) -> None:
    turns: list[Turn] = [*talk(4), with_tools(4, "Look it up.", "It is so.", ["one"])]
    for report in lint_classic(classic_spec("classic:ConversationBufferMemory"), turns, server):
        assert verdict(report, "transcript") == "holds"


# --- as people deploy them --------------------------------------------------------------------------------------------


def test_the_history_is_langchain_community_s_byte_for_byte(tcp: Connection) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_community.chat_message_histories import RedisChatMessageHistory as Community
    said = [HumanMessage("Größe 👩‍👩‍👧 \n x"), AIMessage("", tool_calls=[{"name": "f", "args": {"a": 1}, "id": "c1"}])]
    client = tcp.client
    pool = client.connection_pool.connection_kwargs
    theirs = Community("theirs", url=f"redis://{pool['host']}:{pool['port']}/{pool.get('db', 0)}")
    ours = RedisChatMessageHistory("ours", client)
    assert (theirs.key, ours.key) == ("message_store:theirs", "message_store:ours")
    for history in (theirs, ours):
        history.clear()
        history.add_messages(said)
        history.add_message(AIMessage("Yes."))
    assert client.lrange(theirs.key, 0, -1) == client.lrange(ours.key, 0, -1)
    assert theirs.messages == ours.messages
    assert ours.fetched == 3
    for history in (theirs, ours):
        history.clear()
        assert history.messages == []
    theirs.redis_client.close()


def test_popping_from_what_redis_returned_changes_nothing(server: Server) -> None:
    history = RedisChatMessageHistory("popped", server.connection.client)
    history.add_message(HumanMessage("one"))
    history.messages.pop(0)
    assert [message.text for message in history.messages] == ["one"]


def test_messages_are_messages_unless_a_spec_says_otherwise() -> None:
    model = Watch().over(DemoChatModel())
    for spec, expected in (("", True), ("(return_messages=False)", False)):
        made = Deployed(classic_spec(f"classic:ConversationBufferMemory{spec}"), "in memory", None, model).memory("s")
        assert made.return_messages is expected


# --- specs ------------------------------------------------------------------------------------------------------------


def test_a_spec_names_a_class_its_settings_and_its_history() -> None:
    spec = classic_spec("classic:ConversationSummaryBufferMemory(max_token_limit=2000)")
    assert (spec.name, dict(spec.settings)) == ("ConversationSummaryBufferMemory", {"max_token_limit": 2000})
    assert spec.histories == ("Redis", "in memory")
    assert str(spec) == "ConversationSummaryBufferMemory(max_token_limit=2000)"
    one = classic_spec("classic:ConversationBufferMemory(chat_memory=InMemoryChatMessageHistory())")
    assert (dict(one.settings), one.histories) == ({}, ("in memory",))
    fixed = classic_spec("classic: SimpleMemory(memories={'name': 'Alex'})")
    assert dict(fixed.settings) == {"memories": {"name": "Alex"}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("ConversationTokenBuferMemory", "did you mean 'ConversationTokenBufferMemory'?"),
        ("Xyz", "known are ConversationBufferMemory"),
        ("ConversationTokenBufferMemory(max_tokens=3)", "did you mean 'max_token_limit'?"),
        ("ConversationTokenBufferMemory(llm=3)", "has no setting 'llm'"),
        ("ConversationTokenBufferMemory(max_token_limit=__import__('os').getpid())", "is no plain value"),
        ("ConversationTokenBufferMemory(3)", "write classic:Name(setting=value)"),
        ("ConversationTokenBufferMemory(**{})", "write classic:Name(setting=value)"),
        ("__import__('os').system('true')", "write classic:Name(setting=value)"),
        ("ConversationTokenBufferMemory(", "write classic:Name(setting=value)"),
        ("", "write classic:Name(setting=value)"),
        ("ConversationBufferMemory(chat_memory=SQLChatMessageHistory())", "RedisChatMessageHistory()"),
        ("ConversationTokenBufferMemory(max_token_limit='much')", "max_token_limit: Input should be a valid integer"),
        ("CombinedMemory()", "no memory 'CombinedMemory'"),
        ("(" * 5000, "write classic:Name(setting=value)"),
    ],
)
def test_a_wrong_spec_is_one_sentence_with_the_nearest_name(spec: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_settings(classic_spec(f"classic:{spec}"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ours_have_langchain_s_of_the_same_name_beside_them() -> None:
    spec = twin(load().memory("summary_buffer:max_token_limit=300"))
    assert spec
    assert (spec.name, dict(spec.settings)) == ("ConversationSummaryBufferMemory", {"max_token_limit": 300})
    window = twin(load().memory("window:k=2,step=3"))
    assert window
    assert dict(window.settings) == {"k": 2}
    assert twin(load().memory("attention")) is None
    assert twin(load().memory("combined")) is None
