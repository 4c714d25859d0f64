"""AsyncAPI's own parser reads the published document and has nothing against it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sync.schema.generate import FOLDER
from tests.foreign.npm import installed
from tests.sync.schema_compat import read, sendings

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("asyncapi.mjs")
PACKAGES = ("@asyncapi/parser@3.6.3",)
ERROR, WARNING = 0, 1
BROKEN = (
    ("action: send", "action: shout"),
    ("#/channels/punch/messages/punch", "#/channels/punch/messages/nothing"),
    ("./ack.json", "./absent.json"),
    ("retain: true", "retain: perhaps"),
    ("      gateway:\n        description", "      other:\n        description"),
)
FIELDS = {
    name: list(schema["$defs"][Path(schema["$ref"]).name]["properties"])
    for name, schema in read(FOLDER).schemas.items()
}


@pytest.fixture(scope="session")
def packages() -> Path:
    """Install the parser with npm, once; skip in words where that cannot be."""
    return installed("asyncapi", PACKAGES)


def parsed(packages: Path, *paths: Path) -> list[dict[str, Any]]:
    """Return what the parser says of documents, and the operations it found."""
    done = subprocess.run(
        ["node", SCRIPT, packages, *paths],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
        env=os.environ,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def complaints(found: dict[str, Any]) -> list[str]:
    """Return errors and warnings in words."""
    return [
        f"{'.'.join(map(str, one['path']))}: {one['message']}"
        for one in found["diagnostics"]
        if one["severity"] in (ERROR, WARNING)
    ]


def test_the_parser_has_nothing_against_the_document(packages: Path) -> None:
    """No error and no warning; it finds the operations, topics and schemas we mean."""
    (found,) = parsed(packages, FOLDER / "asyncapi.yaml")
    assert complaints(found) == []
    told = {way.address: way for way in sendings(read(FOLDER).document).values()}
    assert {one["address"] for one in found["operations"]} == set(told)
    for one in found["operations"]:
        way = told[one["address"]]
        assert one["action"] == way.action
        assert one["mqtt"]["qos"] == way.qos
        assert one["mqtt"]["retain"] is way.retain
        assert one["reply"] == way.reply
        (fields,) = one["fields"]
        assert fields == FIELDS[way.payload], "the schema behind the reference is read"


def test_a_broken_document_is_noticed(packages: Path, tmp_path: Path) -> None:
    """The parser is asked in a way that lets it complain."""
    for path in FOLDER.glob("*.json"):
        shutil.copy(path, tmp_path)
    text = (FOLDER / "asyncapi.yaml").read_text("utf-8")
    paths = [tmp_path / f"broken-{number}.yaml" for number in range(len(BROKEN))]
    for path, (old, new) in zip(paths, BROKEN, strict=True):
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
    for found, broken in zip(parsed(packages, *paths), BROKEN, strict=True):
        assert complaints(found) != [], broken
