"""A change of messages that breaks the last release is found, a harmless one is not."""

import copy
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.schema.generate import FOLDER, texts, write
from sync.schema.releases import ReleaseError, freeze, newest
from tests.sync.schema_compat import Contract, breaks, read

ROOT = Path(__file__).parents[2]
NOW = read(FOLDER)
Node = dict[str, Any]
Edit = Callable[[Node], object]


@dataclass(frozen=True, slots=True)
class Place:
    """A schema inside a document: its path as the comparer says it, and the node.

    `branch`: it is one of several alternatives.
    """

    path: str
    node: Node
    branch: bool = False


def places(document: Node) -> Iterator[Place]:
    """Yield every schema of a document once, following references."""
    yield from _below(document, document, "", branch=False)


def _below(document: Node, node: Node, path: str, *, branch: bool) -> Iterator[Place]:
    if "$ref" in node:
        node = document["$defs"][node["$ref"].rpartition("/")[2]]
    yield Place(path, node, branch)
    for one in node.get("anyOf", ()):
        yield from _below(document, one, path, branch=True)
    for key, one in node.get("properties", {}).items():
        yield from _below(document, one, f"{path}.{key}", branch=False)
    for word, sign in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(node.get(word), dict):
            yield from _below(document, node[word], path + sign, branch=False)


def put(**values: Any) -> Edit:
    """Return the edit that sets keywords."""
    return partial(_put, values)


def _put(values: Node, node: Node) -> None:
    node.update(values)


def pop(word: str) -> Edit:
    """Return the edit that takes a keyword away."""
    return partial(_pop, word)


def _pop(word: str, node: Node) -> None:
    del node[word]


def breaking(place: Place) -> Iterator[tuple[str, Edit]]:
    """Yield everything that must not be done to a schema: words, how to do it."""
    node = place.node
    for family in (_fields, _types, _values, _limits):
        yield from family(node)
    if "type" in node and not place.branch:
        yield "it may be null too", put(type=[node["type"], "null"])
    for word in {"default"} & set(node):
        yield "its absence means more", put(default="something")
        yield "its absence is not told", pop(word)


def _fields(node: Node) -> Iterator[tuple[str, Edit]]:
    if "properties" not in node:
        return
    owed = node["required"]
    for key in node["properties"]:
        yield f"{key} is dropped", partial(_drop, key)
        if key in owed:
            yield f"{key} may be absent", put(required=[k for k in owed if k != key])
        else:
            yield f"{key} is required", put(required=[*owed, key])
    yield "a required field is added", _add_required
    yield "it is closed", put(additionalProperties=False)


def _types(node: Node) -> Iterator[tuple[str, Edit]]:
    if "type" in node:
        other = "object" if node["type"] == "array" else "array"
        yield "its type is another", put(type=other)
        yield "it may be anything", Node.clear
    if "anyOf" in node:
        yield "an alternative is gone", put(anyOf=node["anyOf"][:-1])
        yield "an alternative is new", put(anyOf=[*node["anyOf"], {"type": "array"}])


def _values(node: Node) -> Iterator[tuple[str, Edit]]:
    if "enum" in node:
        yield "a value is new", put(enum=[*node["enum"], "of a newer time"])
        yield "a value is gone", put(enum=node["enum"][1:])
        yield "the list is open", partial(_open, node["enum"])
    elif node.get("type") == "string":
        yield "there is a list", put(enum=["a", "b"])
    if "const" in node:
        yield "a constant is another", put(const=2)


def _limits(node: Node) -> Iterator[tuple[str, Edit]]:
    for word in ("minimum", "minLength", "minItems", "maximum", "maxLength"):
        if word in node:
            yield f"{word} is higher", put(**{word: node[word] + 1})
            yield f"{word} is lower", put(**{word: node[word] - 1})
            yield f"{word} is gone", pop(word)
    if node.get("type") in ("integer", "number") and "minimum" not in node:
        yield "there is a minimum", put(minimum=0)
    if "pattern" in node:
        yield "its pattern is another", put(pattern="^x$")
        yield "its pattern is gone", pop("pattern")


def harmless(place: Place) -> Iterator[tuple[str, Edit]]:
    """Yield what may be done to a schema."""
    node = place.node
    yield "it is told better", put(description="In better words.")
    yield "its title is another", put(title="Another")
    if "properties" in node:
        yield "a field is added", _add_optional
        yield "its fields stand otherwise", _turn_fields
    for word in ("anyOf", "enum", "required"):
        if word in node:
            yield f"{word} stands otherwise", put(**{word: node[word][::-1]})


def _open(values: list[Any], node: Node) -> None:
    assert all(isinstance(value, str) for value in values)
    del node["enum"]
    node["type"] = "string"


def _add_optional(node: Node) -> None:
    node["properties"]["more"] = {"type": "string", "default": ""}


def _drop(key: str, node: Node) -> None:
    del node["properties"][key]
    node["required"] = [one for one in node.get("required", ()) if one != key]


def _add_required(node: Node) -> None:
    node["properties"]["news"] = {"type": "string"}
    node["required"] = [*node.get("required", ()), "news"]


def _turn_fields(node: Node) -> None:
    node["properties"] = dict(reversed(node["properties"].items()))


def planted(name: str, index: int, change: Edit) -> Contract:
    """Return what is published now with one change at one place of a schema."""
    schemas = copy.deepcopy(dict(NOW.schemas))
    change([*places(dict(schemas[name]))][index].node)
    return Contract(schemas, NOW.document)


def test_nothing_published_breaks_the_last_release() -> None:
    """Programs and journals of the last release go on with what is published now."""
    release = newest()
    assert release is not None
    assert breaks(read(release), NOW) == []


def test_every_release_is_frozen() -> None:
    """What CHANGELOG.md calls released has its copy; nothing newer than us has."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    frozen = {path.name for path in (FOLDER / "released").iterdir()}
    assert frozen >= set(re.findall(r"^## \[(\d+\.\d+\.\d+)\]", text, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    release = newest()
    assert release is not None
    assert _number(release.name) <= _number(project["version"])


def _number(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@pytest.mark.parametrize("name", sorted(NOW.schemas))
def test_every_planted_break_is_found(name: str) -> None:
    """Whatever breaks somebody is found at its place and names the message."""
    count, passed = 0, []
    for index, place in enumerate(places(dict(NOW.schemas[name]))):
        for what, change in breaking(place):
            count += 1
            found = breaks(NOW, planted(name, index, change))
            if not any(one.startswith(f"{name} {place.path}".strip()) for one in found):
                passed.append(f"{place.path}: {what}")
    print(f"{name}: {count} breaks planted")
    assert not passed
    assert count > 20


@pytest.mark.parametrize("name", sorted(NOW.schemas))
def test_no_planted_harmless_change_is_reported(name: str) -> None:
    """Better words, another order and a field more break nobody."""
    for index, place in enumerate(places(dict(NOW.schemas[name]))):
        for what, change in harmless(place):
            found = breaks(NOW, planted(name, index, change))
            assert found == [], f"{place.path}: {what}"


@given(st.data())
def test_a_break_among_harmless_changes_is_found(data: st.DataObject) -> None:
    """Any number of harmless changes hides no break, and is no break."""
    name = data.draw(st.sampled_from(sorted(NOW.schemas)))
    schemas = copy.deepcopy(dict(NOW.schemas))
    everywhere = [*places(dict(schemas[name]))]
    able = [place for place in everywhere if [*breaking(place)]]
    broken = data.draw(st.sampled_from(able))
    what, change = data.draw(st.sampled_from([*breaking(broken)]))
    for place in data.draw(st.lists(st.sampled_from(everywhere), unique_by=id)):
        for _, other in harmless(place):
            other(place.node)
    assert breaks(NOW, Contract(schemas, NOW.document)) == []
    change(broken.node)
    found = breaks(NOW, Contract(schemas, NOW.document))
    assert found, f"{name}{broken.path}: {what}"


def _sending_changes(document: Node) -> Iterator[tuple[str, list[str], Edit]]:
    """Yield everything that must not be done to how a message is sent.

    The message, the place in the document, and what to do there.
    """
    for key, operation in document["operations"].items():
        name = operation["channel"]["$ref"].rpartition("/")[2]
        channel, there = ["channels", name], ["operations", key]
        mqtt = operation["bindings"]["mqtt"]
        other = {"qos": 1 - mqtt["qos"], "retain": not mqtt["retain"]}
        other["messageExpiryInterval"] = 5
        for word, value in other.items():
            yield name, [*there, "bindings", "mqtt"], put(**{word: value})
        turned = {"send": "receive", "receive": "send"}[operation["action"]]
        yield name, there, put(action=turned)
        yield name, ["operations"], pop(key)
        yield name, channel, put(address="att/v1/other")
        message = [*channel, "messages", name]
        yield name, message, put(contentType="text/plain")
        if "reply" in operation:
            yield name, there, pop("reply")
            yield name, message, pop("correlationId")
            yield name, [*there, "bindings", "mqtt"], pop("messageExpiryInterval")


def test_another_way_of_sending_is_found() -> None:
    """Topic, direction, QoS, retain, expiry, reply and correlation stay as they are."""
    changes = [*_sending_changes(dict(NOW.document))]
    assert len(changes) > 7 * len(NOW.schemas)
    for name, place, change in changes:
        document = copy.deepcopy(dict(NOW.document))
        node = document
        for step in place:
            node = node[step]
        change(node)
        found = breaks(NOW, Contract(NOW.schemas, document))
        assert any(one.startswith(f"{name}:") for one in found)


def test_another_name_of_a_schema_is_found() -> None:
    """Tools of strangers keep schemas by their `$id`."""
    schemas = copy.deepcopy(dict(NOW.schemas))
    schemas["ack"] = {**schemas["ack"], "$id": "urn:punchgate:v2:ack"}
    (found,) = breaks(NOW, Contract(schemas, NOW.document))
    assert found.startswith("ack: its $id was")


def test_a_message_more_is_harmless() -> None:
    """Releases before it said nothing of it."""
    document = copy.deepcopy(dict(NOW.document))
    del document["operations"]["send_live"]
    assert breaks(Contract(NOW.schemas, document), NOW) == []


def test_a_break_is_said_in_words() -> None:
    """Message, path, what, and who cannot go on: by the direction of the message."""

    def node(schemas: dict[str, Any], name: str, path: str) -> Node:
        return next(p.node for p in places(schemas[name]) if p.path == path)

    schemas = copy.deepcopy(dict(NOW.schemas))
    node(schemas, "punch", ".entries[].verify")["enum"].append("iris")
    node(schemas, "ack", ".upto")["maximum"] = 100
    verify, upto = breaks(NOW, Contract(schemas, NOW.document))
    assert verify == (
        "punch .entries[].verify: may now be 'iris': who subscribes and was made for "
        "it does not expect that"
    )
    assert upto == (
        f"ack .upto: maximum was {2**63 - 1}, is 100: what a centre made for it sends "
        "does not fit"
    )


@pytest.mark.parametrize(
    "node",
    [
        {"oneOf": [{"type": "string"}]},
        {"type": "string", "contains": 1},
        {"$ref": "#/$defs/Ack", "maxLength": 3},
        {"anyOf": [{"type": "string"}, {"type": "string", "maxLength": 3}]},
    ],
)
def test_what_cannot_be_compared_is_an_error(node: Node) -> None:
    """A keyword nobody thought of is not passed over."""
    schemas = copy.deepcopy(dict(NOW.schemas))
    root = schemas["ack"]["$defs"]["Ack"]
    root["properties"]["sent"] = node
    with pytest.raises((ValueError, KeyError)):
        breaks(NOW, Contract(schemas, NOW.document))


def test_a_release_is_frozen_once(tmp_path: Path) -> None:
    """What strangers were told stays; a later release stands beside it."""
    assert newest(tmp_path) is None
    assert freeze("0.9.0", tmp_path) == sorted(texts())
    with pytest.raises(ReleaseError, match="frozen already"):
        freeze("0.9.0", tmp_path)
    with pytest.raises(ReleaseError, match="cannot follow"):
        freeze("0.8.7", tmp_path)
    with pytest.raises(ReleaseError, match="no version"):
        freeze("../1.0", tmp_path)
    freeze("0.10.0", tmp_path)
    assert newest(tmp_path) == tmp_path / "0.10.0"
    assert read(tmp_path / "0.10.0") == NOW


def test_the_command_freezes_nothing_twice() -> None:
    """`python -m sync.schema --release` of a frozen release says so and fails."""
    release = newest()
    assert release is not None
    done = subprocess.run(
        [sys.executable, "-m", "sync.schema", "--release", release.name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{release.name} is frozen already")


def test_freezing_takes_the_types_not_the_files(tmp_path: Path) -> None:
    """A forgotten run of the generator is no way to freeze something else."""
    freeze("1.0.0", tmp_path)
    assert write(tmp_path / "1.0.0") == []
