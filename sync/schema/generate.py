"""One JSON Schema per message, from `sync.messages`, and the AsyncAPI document.

`punch`, `attendance`, `suspicion`, `event` and `entry` describe whole envelopes of
those topics, as a subscriber sees them.
The schemas say the same in draft 7, which AsyncAPI's tools read, as in 2020-12, which
they are written in.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

from sync.commands import Command, Reply, SiteBook
from sync.messages import (
    Ack,
    AttendanceEntry,
    CentreState,
    EntryEntry,
    Envelope,
    EventEntry,
    LivePunch,
    PunchEntry,
    State,
    TerminalState,
)
from sync.schema.asyncapi import document
from sync.schema.yaml_text import dump
from sync.suspicions import SuspicionEntry

FOLDER = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_HEADER = "# Written by `python -m sync.schema`; do not edit.\n"
_REF = "#/$defs/{name}"
_ENTRIES: dict[str, type[msgspec.Struct]] = {
    "punch": PunchEntry,
    "attendance": AttendanceEntry,
    "suspicion": SuspicionEntry,
    "event": EventEntry,
    "entry": EntryEntry,
}
_MESSAGES: dict[str, type[msgspec.Struct]] = {
    "ack": Ack,
    "state": State,
    "terminal": TerminalState,
    "centre_state": CentreState,
    "live": LivePunch,
    "cmd": Command,
    "reply": Reply,
    "book": SiteBook,
}


def schemas() -> dict[str, str]:
    """Return name → JSON text of every schema."""
    found = {name: _message(name, kind) for name, kind in _MESSAGES.items()}
    found |= {name: _batch(name, kind) for name, kind in _ENTRIES.items()}
    return {
        name: json.dumps(found[name], indent=2, ensure_ascii=False) + "\n"
        for name in sorted(found)
    }


def texts() -> dict[str, str]:
    """Return file name → text of everything that is published."""
    found = {f"{name}.json": text for name, text in schemas().items()}
    return found | {"asyncapi.yaml": f"{_HEADER}{dump(document())}"}


def write(folder: Path = FOLDER) -> list[str]:
    """Write all files; return the names of those that changed."""
    changed = []
    for name, text in sorted(texts().items()):
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def _message(name: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    (top,), parts = msgspec.json.schema_components([kind], ref_template=_REF)
    return _document(name, top, parts)


def _batch(name: str, entry: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the schema of an envelope whose entries are of one kind."""
    kinds = [Envelope, entry]
    (top, entries), parts = msgspec.json.schema_components(kinds, ref_template=_REF)
    envelope = parts["Envelope"]
    envelope["properties"]["entries"] = {
        "type": "array",
        "items": entries,
        "minItems": 1,
    }
    return _document(name, top, parts)


def _document(name: str, top: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    for part in parts.values():
        if "description" in part:
            part["description"] = inspect.cleandoc(part["description"])
        version = part.get("properties", {}).get("v")
        if version is not None:
            # Readers may rely on it: a message of another version is another message.
            part["properties"]["v"] = {"const": 1}
            part["required"] = ["v", *part.get("required", [])]
    return {
        "$schema": DIALECT,
        "$id": f"urn:punchgate:v1:{name}",
        "title": name,
        **top,
        "$defs": {name: _plain(part) for name, part in sorted(parts.items())},
    }


def _plain(part: Any) -> Any:
    """Return a schema with arrays of n alike items said so that draft 7 agrees.

    `prefixItems` with `items: false` would forbid every item there.
    """
    if isinstance(part, list):
        return [_plain(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: _plain(value) for key, value in part.items()}
    first, *others = found.pop("prefixItems", [None])
    if first is None:
        return found
    if any(other != first for other in others):
        raise ValueError("items that are not alike cannot be said in draft 7")
    return found | {"items": first}
