"""A case of every kind on a page, in both languages, with every word translated."""

import re

import pytest

from gateway.core.suspicion.values import Kind
from gateway.suspecting_page import page
from tests.gateway.test_suspecting_messages import REVIEW, cases

PLAIN = re.compile(r"[a-z]+(_[a-z]+)+|\b(none|true|false)\b", re.IGNORECASE)


@pytest.mark.parametrize("kind", sorted(kind.value for kind in Kind))
def test_a_chinese_page_holds_no_keys(kind: str) -> None:
    """What a clerk reads is Chinese but for ids, times and places."""
    for case in [one for one in cases() if one["kind"] == kind]:
        ids = "|".join(map(re.escape, case["events"])) or "-"
        for line in page(case, "zh"):
            found = PLAIN.search(re.sub(ids, "", line))
            assert found is None, line


@pytest.mark.parametrize("kind", sorted(kind.value for kind in Kind))
def test_an_english_page_says_the_claim_and_the_hash(kind: str) -> None:
    """The sentence, why it is none, and what the rows hash to."""
    for case in [one for one in cases() if one["kind"] == kind]:
        lines = list(page(case, "en"))
        assert lines[1].strip() == case["claim"]["en"]
        assert lines[-1].strip() == case["integrity"]
        if case["why_not_a_case"]:
            assert lines[2] == f"  ! {case['why_not_a_case']['en']}"


def test_a_decided_case_shows_who_decided() -> None:
    """Names of reviewers, the day, the word and the reason."""
    case = cases()[0] | {"status": "confirmed", "review": [REVIEW]}
    text = "\n".join(page(case, "zh"))
    assert "已确认" in text
    assert "2026-11-03T10:00:00  confirm  clerk1, leader1: 监控录像" in text
