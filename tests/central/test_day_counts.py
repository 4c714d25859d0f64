"""Figures of days: what a gateway says, and the comparison."""

import hashlib
import json
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.day_counts import Compared, Figure, Verdict, compare, figure
from central.day_counts import read_day_counts as read

NOTHING = hashlib.sha256(b"").hexdigest()
SHA = "0" * 64


def body(**changes: Any) -> str:
    """Return an event of day counts; `detail` adds to its detail."""
    detail = {"epochs": "e1,e2", "round": 1, "2026-11-02": f"61:{SHA}"}
    event = {"seq": 9, "id": "ev", "kind": "day_counts", "terminal": "lobby"}
    event |= {"serial": "VT1", "at": "2026-11-03T03:00:00+08:00", "reason": None}
    event |= {"raw": None, "detail": detail | changes.pop("detail", {})}
    return json.dumps(event | changes)


def test_an_event_is_read() -> None:
    """Id, serial, epochs, round and the figures; unknown keys are passed over."""
    found = read(body(detail={"2026-11-01": f"0:{NOTHING}", "mood": "fine"}))
    assert found is not None
    assert (found.id, found.serial, found.terminal) == ("ev", "VT1", "lobby")
    assert (found.round, found.epochs) == (1, ("e1", "e2"))
    assert found.days == {
        "2026-11-02": Figure(61, SHA),
        "2026-11-01": Figure(0, NOTHING),
    }


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        body(serial=None),
        body(serial=""),
        body(serial="a\x00b"),
        body(id=""),
        body(detail={"epochs": 7}),
        body(detail={"epochs": "a\x00"}),
        body(detail={"round": "1"}),
        body(detail={"2026-11-03": "61"}),
        body(detail={"2026-11-03": 61}),
        body(detail={"2026-11-03": f"-1:{SHA}"}),
        body(detail={"2026-11-03": f"{'9' * 16}:{SHA}"}),
        body(detail={f"{n:04d}-01-01": f"1:{SHA}" for n in range(401)}),
        body(detail={"epochs": ",".join(map(str, range(1001)))}),
    ],
)
def test_what_says_nothing_is_none(text: str) -> None:
    """Wrong types, broken figures and sizes beyond measure are not guessed at."""
    assert read(text) is None


@given(st.lists(st.text("abcz019_", min_size=1, max_size=6)))
def test_the_digest_is_that_of_the_ids_in_order(ids: list[str]) -> None:
    """Whatever order and repetition: SHA-256 over ascending lines."""
    lines = "\n".join(sorted(set(ids)))
    data = (lines + "\n").encode() if ids else b""
    assert figure(ids) == Figure(len(set(ids)), hashlib.sha256(data).hexdigest())


def test_the_digest_is_what_the_shell_says() -> None:
    """`sort | sha256sum` in the C locale, as documented."""
    ids = [f"p1_{n * 7919 % 1000:03d}x" for n in range(50)]
    lines = "".join(f"{item}\n" for item in ids).encode()
    for command in ("sort", "sha256sum"):
        done = subprocess.run(
            [command], env={"LC_ALL": "C"}, input=lines, capture_output=True, check=True
        )
        lines = done.stdout
    assert figure(ids).digest == lines.split()[0].decode()


@pytest.mark.parametrize(
    "there, here, verdict",
    [
        ("abc", "abc", Verdict.ALIKE),
        ("", "", Verdict.ALIKE),
        ("abc", "ab", Verdict.FEWER),
        ("ab", "abc", Verdict.MORE),
        ("abc", "abd", Verdict.OTHER),
    ],
)
def test_verdicts(there: str, here: str, verdict: Verdict) -> None:
    """What is held here, against what the gateway counted."""
    assert Compared("d", figure(there), figure(here)).verdict is verdict


def test_what_came_since_the_count_counts_only_if_it_makes_the_day_alike() -> None:
    """A punch of later does not differ; one of before that was sent again fits."""
    for there, before, since, verdict in (
        ("ab", "ab", "c", Verdict.ALIKE),
        ("abc", "ab", "c", Verdict.ALIKE),
        ("abc", "a", "z", Verdict.FEWER),
        ("abc", "ab", "z", Verdict.FEWER),
    ):
        (found,) = compare({"d": figure(there)}, {"d": (set(before), set(since))})
        assert found.verdict is verdict, (there, before, since)
        assert found.here.count == len(before) + (there == "abc" and since == "c")
