"""Suspicions on the wire: every kind fits its schema, and the centre keeps it whole."""

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from benchmarks.suspicion.wire import simulate
from central.incoming import read
from central.values import Batch
from gateway.core.suspicion.detect import suspect
from gateway.core.suspicion.events import gather
from gateway.core.suspicion.values import Kind
from gateway.outgoing import case_digest, case_entry
from sync.messages import compose, link, origin
from sync.schema.generate import FOLDER
from sync.topics import Topics

SEED = 3
REVIEW = {
    "by": ["clerk1", "leader1"],
    "at": "2026-11-03T10:00:00",
    "decision": "confirm",
    "reason": "监控录像",
    "ruling": "R-c-x",
    "statement": "本人承认",
}


@cache
def cases() -> list[dict[str, Any]]:
    """Return the cases of a small simulated site with everything planted."""
    month = simulate(SEED, people=120, days=40, planted=1)
    found: list[dict[str, Any]] = suspect(month.book, gather(month.events)).to_json()[
        "cases"
    ]
    print("seed", SEED, sorted({one["kind"] for one in found}))
    return found


def envelope(*entries: bytes) -> bytes:
    """Return a message with these entries, chained from the start of an epoch."""
    head = origin("e1")
    for entry in entries:
        head = link(head, entry)
    return compose(
        site="hq",
        gateway="gw-1",
        epoch="e1",
        session=1,
        sent="2026-11-03T10:00:00.000+08:00",
        entries=entries,
        prev=origin("e1"),
        head=head,
    )


@pytest.mark.parametrize("kind", sorted(kind.value for kind in Kind))
def test_every_kind_fits_the_published_schema(kind: str) -> None:
    """What the engine says can be said, decided or not."""
    found = [one for one in cases() if one["kind"] == kind]
    if not found and kind == Kind.ENROLMENT:
        pytest.skip("this seed enrols nobody oddly")
    assert found
    validator = Draft202012Validator(
        json.loads((FOLDER / "suspicion.json").read_text())
    )
    decided = found[0] | {"status": "confirmed", "review": [REVIEW]}
    entries = [case_entry(one, seq, 1) for seq, one in enumerate([*found, decided], 1)]
    validator.validate(json.loads(envelope(*entries)))
    for one, entry in zip(found, entries, strict=False):
        said = json.loads(entry)
        assert {key: said[key] for key in one} == one


def test_the_centre_keeps_a_case_under_its_id() -> None:
    """A durable kind like any other: id, revision, terminal, and the whole text."""
    case = cases()[0]
    entry = case_entry(case, 1, 3)
    batch = read(Topics("att/v1"), "att/v1/hq/gw-1/suspicion", envelope(entry))
    assert isinstance(batch, Batch)
    (record,) = batch.records
    assert (record.kind, record.id, record.rev) == ("suspicion", case["id"], 3)
    assert record.terminal == case["terminal"]
    assert json.loads(record.body)["claim"] == case["claim"]
    assert batch.poisons == ()


def test_another_night_alone_is_no_news() -> None:
    """Until when was looked changes nightly and says nothing new; a day does."""
    case = cases()[0]
    later = case | {"as_of": "2027-01-01", "decision_on": "2027-01-31"}
    assert case_digest(case | {"charge_once": "x"}) == case_digest(later)
    assert case_digest(case | {"days": []}) != case_digest(case)
