"""Questions to a central store by the command line, and punches to ask about."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from tests.sync.memory_outbox import MemoryOutbox, punch

LATER = "2026-11-03T08:00:00+08:00"
Ask = Callable[..., tuple[int, str]]


def answer(ask: Ask, *words: str, code: int = 0) -> Any:
    """Return what a command says as JSON, alone on standard output."""
    found, said = ask(*words, "--json")
    assert found == code, said
    return json.loads(said)


def punched(*numbers: int, epoch: str = "e1", **changes: Any) -> MemoryOutbox:
    """Return an outbox with punches."""
    made = MemoryOutbox(epoch)
    for number in numbers:
        made.add("punch", msgspec.structs.replace(punch(0, number), **changes))
    return made
