"""The published schemas are those of the types, and say what is sent."""

import json
from pathlib import Path

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from sync.messages import encode, origin
from sync.schema.generate import FOLDER, schemas, write
from tests.sync.memory_outbox import MemoryOutbox, event
from tests.sync.test_messages import envelope


def check(kind: str, payload: bytes) -> None:
    """Raise `jsonschema.ValidationError` when a message is not as published."""
    schema = json.loads((FOLDER / f"{kind}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json.loads(payload))


@pytest.mark.parametrize("name", sorted(schemas()))
def test_files_are_up_to_date(name: str) -> None:
    """`python -m sync.schema` was run after the last change of the types."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert text == schemas()[name]
    Draft202012Validator.check_schema(json.loads(text))


def test_every_schema_file_belongs_to_a_message() -> None:
    """No schema of a message that is gone stays behind."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(schemas())


def test_write_says_what_changed(tmp_path: Path) -> None:
    """A second run changes nothing."""
    assert write(tmp_path) == sorted(schemas())
    assert write(tmp_path) == []
    (tmp_path / "ack.json").write_text("{}")
    assert write(tmp_path) == ["ack"]


def test_punch_and_event_envelopes_fit() -> None:
    """What an uplink composes is what the schemas promise."""
    outbox = MemoryOutbox()
    outbox.add_punches(range(3))
    rows = outbox.rows
    check("punch", envelope([r.entry for r in rows], rows[0].prev, rows[-1].hash))
    entry = encode(event(1))
    check("event", envelope([entry], origin("e"), origin("f")))


@pytest.mark.parametrize(
    "old, new",
    [
        (b'"v":1', b'"v":2'),
        (b'"finger"', b'"nose"'),
        (b'"seq":1', b'"seq":"1"'),
        (b'"rev":1,', b""),
    ],
)
def test_broken_messages_do_not_fit(old: bytes, new: bytes) -> None:
    """The schema is strict enough to notice each of these."""
    outbox = MemoryOutbox()
    outbox.add_punches(range(1))
    (row,) = outbox.rows
    data = envelope([row.entry], row.prev, row.hash)
    assert old in data
    with pytest.raises(jsonschema.ValidationError):
        check("punch", data.replace(old, new))
