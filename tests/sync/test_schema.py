"""What is published is what the types say, and says what is sent."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from central.asking import EXPIRES_SECONDS
from sync.messages import encode, origin
from sync.schema.asyncapi import CHANNELS, PREFIX, document
from sync.schema.generate import FOLDER, schemas, texts, write
from sync.schema.yaml_text import Value, dump
from sync.topics import Topics
from tests.sync.memory_outbox import MemoryOutbox, event
from tests.sync.schema_compat import sendings
from tests.sync.test_messages import envelope

ROOT = Path(__file__).parents[2]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def check(kind: str, payload: bytes) -> None:
    """Raise `jsonschema.ValidationError` when a message is not as published."""
    schema = json.loads((FOLDER / f"{kind}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json.loads(payload))


@pytest.mark.parametrize("name", sorted(texts()))
def test_files_are_up_to_date(name: str) -> None:
    """`python -m sync.schema` was run after the last change of the types."""
    assert (FOLDER / name).read_text(encoding="utf-8") == texts()[name]


@pytest.mark.parametrize("name", sorted(schemas()))
def test_schemas_say_the_same_in_draft_7(name: str) -> None:
    """AsyncAPI's tools read draft 7: no word that means something else there."""
    schema = json.loads(schemas()[name])
    for dialect in (Draft202012Validator, Draft7Validator):
        dialect.check_schema(schema | {"$schema": dialect.META_SCHEMA["$schema"]})
    words = set(re.findall(r'"(\w+)":', schemas()[name]))
    assert not words & {"prefixItems", "unevaluatedProperties", "dependentRequired"}
    beside = [node for node in _nodes(schema["$defs"]) if "$ref" in node]
    assert all(len(node) == 1 for node in beside), "draft 7 ignores what stands beside"


def _nodes(value: Any) -> list[dict[str, Any]]:
    """Return every mapping inside a value."""
    inside = value.values() if isinstance(value, dict) else value
    deeper = inside if isinstance(value, dict | list) else ()
    here = [value] if isinstance(value, dict) else []
    return [*here, *(node for one in deeper for node in _nodes(one))]


def test_every_schema_file_belongs_to_a_message() -> None:
    """No schema of a message that is gone stays behind."""
    assert {path.name for path in FOLDER.glob("*.json")} == set(texts()) - {
        "asyncapi.yaml"
    }


def test_write_says_what_changed(tmp_path: Path) -> None:
    """A second run changes nothing."""
    assert write(tmp_path) == sorted(texts())
    assert write(tmp_path) == []
    (tmp_path / "ack.json").write_text("{}")
    assert write(tmp_path) == ["ack.json"]


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


@pytest.mark.parametrize("ranges", [[[1]], [[1, 2, 3]], [["1", 2]], [[0, 2]]])
def test_a_range_is_two_seqs(ranges: list[list[object]]) -> None:
    """In both drafts: `[first, last]` fits, nothing else does."""
    schema = json.loads(schemas()["ack"])
    missing = schema["$defs"]["Ack"]["properties"]["missing"]
    for dialect in (Draft202012Validator, Draft7Validator):
        assert dialect(missing).is_valid([[1, 2], [5, 5]])
        assert not dialect(missing).is_valid(ranges)


def test_every_message_has_a_topic_and_every_topic_a_message() -> None:
    """The document tells of each schema once, and of nothing else."""
    found = sendings(document())
    assert {way.payload for way in found.values()} == set(schemas())
    assert len({way.address for way in found.values()}) == len(found) == len(schemas())


def test_topics_are_those_of_the_code() -> None:
    """The addresses are what `sync.topics` builds, with every parameter explained."""
    topics = Topics(PREFIX)
    for channel in CHANNELS:
        ids = {name: f"a-{name}" for name in channel.parameters}
        topic = topics.parse(channel.address.format_map(ids))
        assert topic.site == "a-site"
        assert topic.kind == ("state" if "_central" in channel.kind else topic.kind)
        told = document()["channels"][channel.name]["parameters"]
        assert list(told) == channel.parameters
    centre = topics.centre("a-site")
    address = sendings(document())["centre_state"].address
    assert address.format(site="a-site") == centre


def test_parameters_are_where_the_document_says() -> None:
    """A parameter has a place in the message exactly when the message has the field."""
    for name, way in sendings(document()).items():
        schema = json.loads(schemas()[way.payload])
        fields = schema["$defs"][Path(schema["$ref"]).name]["properties"]
        parameters = document()["channels"][name]["parameters"]
        assert way.repeated == set(parameters) & set(fields)


def test_commands_expire_as_the_centre_says() -> None:
    """The document and the sender of commands mean the same minute."""
    assert sendings(document())["cmd"].expiry == EXPIRES_SECONDS


def test_the_guide_has_each_topic_as_the_document_says() -> None:
    """The table of docs/subscribing.md and the document tell the same of each topic."""
    guide = (ROOT / "docs" / "subscribing.md").read_text("utf-8")
    told: dict[str, tuple[str, ...]] = {}
    for line in re.findall(r"^\| (`.*) \|$", guide, re.MULTILINE):
        cells = [cell.strip() for cell in line.split(" | ")]
        if len(cells) == 5:
            topics = re.findall(r"`([^`]+)`", cells[0])
            told |= dict.fromkeys(
                topics, (cells[1], cells[2], cells[3][:3].strip(", "))
            )
    for way in sendings(document()).values():
        kind = way.address.removeprefix(f"{PREFIX}/{{site}}/").removeprefix(
            "{gateway}/"
        )
        kind = kind.replace("_central", "{prefix}/{site}/_central")
        who = {"send": "gateway", "receive": "centre"}[way.action]
        assert told[kind] == (who, str(way.qos), "yes" if way.retain else "no")


def test_the_document_reads_back() -> None:
    """Another YAML reader finds what was written."""
    assert yaml.safe_load(texts()["asyncapi.yaml"]) == document()


@given(st.dictionaries(st.text(), VALUES) | st.lists(VALUES, min_size=1))
def test_any_value_reads_back(value: Value) -> None:
    """Whatever a description may hold, YAML gives it back."""
    if value:
        assert yaml.safe_load(dump(value)) == value


@pytest.mark.parametrize("value", [1.5, "text", None, {"a": 1.5}, {"a": {1, 2}}])
def test_what_cannot_be_written_is_refused(value: Any) -> None:
    """No value is written as something it is not."""
    with pytest.raises(TypeError):
        dump(value)
