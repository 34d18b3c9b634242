"""What is said of an audit of the packages that are installed."""

from __future__ import annotations

from tests.audit import told

SOUND = {"name": "redis", "version": "8.0.1", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "not found"}
FLAW = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"]}]}


def test_a_vulnerable_package_is_named_with_the_version_that_mends_it_and_fails() -> None:
    lines, vulnerable = told({"dependencies": [SOUND, FLAW]})
    assert vulnerable
    assert lines[0] == "old 1.0: PYSEC-1, mended in 1.1, 2.0"


def test_without_one_it_says_how_many_were_audited_and_of_how_many_nothing_is_known() -> None:
    lines, vulnerable = told({"dependencies": [SOUND, UNKNOWN]})
    assert not vulnerable
    assert lines == ["1 packages audited, no known vulnerability (of 1 others the service knows nothing)."]


def test_a_service_that_is_away_or_knows_nothing_fails_nothing_and_is_said() -> None:
    for report in ({}, {"dependencies": [UNKNOWN]}):
        (line,), vulnerable = told(report)
        assert not vulnerable
        assert line.startswith("Nothing was audited")
