"""What breaks those who were made for an older publication of the messages.

Two sides look at every message. Whoever READS it was made for the old schema and must
understand what is written by the new one: nothing may be dropped or become wider.
Whoever WRITES it may be older than its reader (a gateway that waits for its update, the
entries in its journal, a centre of somebody else) and must still fit the new schema:
nothing may become narrower, and nothing new may be required. So within a version fields
can be added that may be absent, and nothing else. Who the two are depends on the
direction, and is part of what is said.

A keyword this does not know is an error: nothing is passed over in silence.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Schema = Mapping[str, Any]

_ANNOTATIONS = {"$schema", "$id", "$defs", "$comment", "title", "description"}
_ANNOTATIONS |= {"default", "examples", "deprecated"}
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems", "propertyNames")
_STRUCTURE = {"type", "enum", "properties", "required", "items", "additionalProperties"}
_KNOWN = _ANNOTATIONS | _STRUCTURE | {*_LOWER, *_UPPER, *_EXACT}
_TYPES = {str: "string", bool: "boolean", int: "integer", type(None): "null"}
_ANYTHING = "anything"
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Contract:
    """One publication: schemas by name, and the AsyncAPI document."""

    schemas: Mapping[str, Schema]
    document: Mapping[str, Any]


def read(folder: Path) -> Contract:
    """Read a publication."""
    found = {p.stem: json.loads(p.read_text("utf-8")) for p in folder.glob("*.json")}
    text = (folder / "asyncapi.yaml").read_text("utf-8")
    return Contract(found, yaml.safe_load(text))


def breaks(old: Contract, new: Contract) -> list[str]:
    """Return what breaks, in words: the message, the path in it, what and for whom."""
    problems: list[str] = []
    ways, now = sendings(old.document), sendings(new.document)
    for name, way in ways.items():
        if name not in now:
            problems.append(f"{name}: is no longer published")
            continue
        before, after = way.facts(), now[name].facts()
        problems += [
            f"{name}: its {what} was {before[what]!r}, is {after[what]!r}"
            for what in before
            if before[what] != after[what]
        ]
        side = _Side(name, *_WHO[way.action])
        side.document(old.schemas[way.payload], new.schemas[now[name].payload])
        problems += side.problems
    return problems


@dataclass(frozen=True, slots=True)
class Sending:
    """How one message is sent; `action` is the gateway's."""

    address: str
    action: str
    qos: int
    retain: bool
    expiry: int | None
    reply: str | None
    correlation: str | None
    content: str
    payload: str
    repeated: frozenset[str]
    """Parameters of the address that the message repeats."""

    def facts(self) -> dict[str, Any]:
        """Return what must stay as it is, under the words for it."""
        return {
            "topic": self.address,
            "direction": self.action,
            "QoS": self.qos,
            "retain": self.retain,
            "message expiry": self.expiry,
            "reply topic": self.reply,
            "correlation id": self.correlation,
            "content type": self.content,
        }


def sendings(document: Mapping[str, Any]) -> dict[str, Sending]:
    """Return name of message → how it is sent."""
    found = {}
    for operation in document["operations"].values():
        channel = _at(document, operation["channel"])
        mqtt = operation["bindings"]["mqtt"]
        reply = operation.get("reply")
        for reference in operation["messages"]:
            message = _at(document, reference)
            found[message["name"]] = Sending(
                address=channel["address"],
                action=operation["action"],
                qos=mqtt["qos"],
                retain=mqtt["retain"],
                expiry=mqtt.get("messageExpiryInterval"),
                reply=reply and _at(document, reply["channel"])["address"],
                correlation=message.get("correlationId", {}).get("location"),
                content=message["contentType"],
                payload=Path(message["payload"]["$ref"]).stem,
                repeated=frozenset(
                    name
                    for name, parameter in channel["parameters"].items()
                    if "location" in parameter
                ),
            )
    return found


def _at(document: Mapping[str, Any], reference: Mapping[str, str]) -> Any:
    """Follow a reference inside a document."""
    found: Any = document
    for step in reference["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


_OLD_GATEWAY, _OLD_CENTRE = "a gateway of that release", "a centre made for it"
_WHO = {
    "send": ("who subscribes and was made for it", _OLD_GATEWAY),
    "receive": (_OLD_GATEWAY, _OLD_CENTRE),
}


@dataclass(slots=True)
class _Side:
    """Compares one message and gathers what breaks whom."""

    name: str
    reader: str
    writer: str
    problems: list[str] = field(default_factory=list)
    _old: Schema = field(default_factory=dict)
    _new: Schema = field(default_factory=dict)

    def document(self, old: Schema, new: Schema) -> None:
        """Compare two whole documents."""
        self._old, self._new = old, new
        if old["$id"] != new["$id"]:
            self._changed("", f"its $id was {old['$id']}, is {new['$id']}")
        self._compare(old, new, "")

    def _changed(self, path: str, what: str) -> None:
        self.problems.append(f"{self.name} {path}: {what}".replace(" :", ":"))

    def _wider(self, path: str, what: str) -> None:
        self._changed(path, f"{what}: {self.reader} does not expect that")

    def _narrower(self, path: str, what: str) -> None:
        self._changed(path, f"{what}: what {self.writer} sends does not fit")

    def _compare(self, old: Any, new: Any, path: str) -> None:
        before, after = _shapes(old, self._old), _shapes(new, self._new)
        for kind in before.keys() - after.keys():
            if _ANYTHING in after:
                continue  # said below
            self._narrower(path, f"may no longer be {kind}")
        for kind in after.keys() - before.keys():
            if _ANYTHING in before:
                continue  # said above
            self._wider(path, f"may now be {kind}")
        for kind in before.keys() & after.keys():
            self._limits(before[kind], after[kind], path)
            self._values(before[kind], after[kind], path)
            if kind == "object":
                self._object(before[kind], after[kind], path)
            if kind == "array":
                was, is_ = (one[kind].get("items", True) for one in (before, after))
                self._compare(was, is_, f"{path}[]")

    def _limits(self, old: Schema, new: Schema, path: str) -> None:
        for sign, words in ((1, _LOWER), (-1, _UPPER)):
            for word in words:
                was, is_ = old.get(word), new.get(word)
                if was == is_:
                    continue
                said = f"{word} was {was}, is {is_}"
                if is_ is None or (was is not None and sign * is_ < sign * was):
                    self._wider(path, said)
                else:
                    self._narrower(path, said)
        for word in _EXACT:
            if old.get(word) != new.get(word):
                self._changed(path, f"{word} was {old.get(word)}, is {new.get(word)}")

    def _values(self, old: Schema, new: Schema, path: str) -> None:
        """Compare closed lists of values; no list means every value of the type."""
        was, is_ = old.get("enum"), new.get("enum")
        if was is None and is_ is not None:
            self._narrower(path, f"may now only be one of {is_}")
        elif was is not None and is_ is None:
            self._wider(path, f"may now be anything besides {was}")
        elif was is not None and is_ is not None:
            for value in was:
                if value not in is_:
                    self._narrower(path, f"may no longer be {value!r}")
            for value in is_:
                if value not in was:
                    self._wider(path, f"may now be {value!r}")

    def _object(self, old: Schema, new: Schema, path: str) -> None:
        was, is_ = old.get("properties", {}), new.get("properties", {})
        owed, owes = set(old.get("required", ())), set(new.get("required", ()))
        for key in was.keys() - is_.keys():
            self._changed(f"{path}.{key}", f"is gone: {self.reader} misses it")
        for key in is_.keys() - was.keys():
            if key in owes:
                self._narrower(f"{path}.{key}", "is new and required")
        for key in was.keys() & is_.keys():
            place = f"{path}.{key}"
            if key in owed - owes:
                self._wider(place, "may now be absent")
            elif key in owes - owed:
                self._narrower(place, "must now be there")
            self._meaning(was[key], is_[key], place)
            self._compare(was[key], is_[key], place)
        others = [one.get("additionalProperties", True) for one in (old, new)]
        self._compare(others[0], others[1], f"{path}.*")

    def _meaning(self, old: Schema, new: Schema, path: str) -> None:
        was, is_ = (one.get("default", _ABSENT) for one in (old, new))
        if was != is_:
            self._changed(path, "what its absence means was changed")


def _shapes(schema: Any, root: Schema) -> dict[str, Schema]:
    """Return what a value may be: type → its limits; `anything` for no limits.

    Raises:
        ValueError: for what cannot be compared.
    """
    if schema is False:
        return {}
    if schema is True or not set(schema) - _ANNOTATIONS:
        return {_ANYTHING: {}}
    if "$ref" in schema:
        _alone(schema, "$ref")
        return _shapes(_at(root, schema), root)
    if "anyOf" in schema:
        _alone(schema, "anyOf")
        return _union([_shapes(one, root) for one in schema["anyOf"]])
    if "const" in schema:
        _alone(schema, "const")
        schema = {"enum": [schema["const"]]}
    unknown = set(schema) - _KNOWN
    if unknown:
        raise ValueError(f"cannot compare {sorted(unknown)}")
    if "enum" in schema and "type" not in schema:
        kinds = {_TYPES[type(value)] for value in schema["enum"]}
        return {kind: {"enum": _of(kind, schema["enum"])} for kind in kinds}
    kinds = schema["type"]
    return dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, schema)


def _alone(schema: Schema, word: str) -> None:
    others = set(schema) - _ANNOTATIONS - {word}
    if others:
        raise ValueError(f"cannot compare {sorted(others)} beside {word}")


def _union(shapes: list[dict[str, Schema]]) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for one in shapes:
        if _ANYTHING in one:
            return one
        twice = found.keys() & one.keys()
        if twice:
            raise ValueError(f"cannot compare two alternatives of {sorted(twice)}")
        found |= one
    return found


def _of(kind: str, values: list[Any]) -> list[Any]:
    return [value for value in values if _TYPES[type(value)] == kind]
