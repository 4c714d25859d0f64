"""Where device data that nobody here wrote lies, and how its rows become bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

CAPTURES = Path(__file__).parents[2] / "../shared/captures/zk"


def load(name: str) -> Any:
    """Rows of a .jsonl or the value of a .json; skips where the folder is not."""
    path = CAPTURES / name
    if not path.exists():
        pytest.skip("captures absent")
    text = path.read_text("utf-8")
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)


def case(name: str) -> list[dict[str, Any]]:
    """Rows of one pyzk case in order."""
    rows = [row for row in load("pyzk_packets.jsonl") if row["case"] == name]
    assert rows, name
    return sorted(rows, key=lambda row: int(row["seq"]))
