"""Delivery that shuffles and doubles, and what a run costs."""

import json
import pickle
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.suspicion.wire import campus, simulate
from gateway.core.suspicion.detect import suspect
from gateway.core.suspicion.events import Event, Link, read_events


def delivery(sites: int, first: int) -> dict[str, Any]:
    """Shuffle and double the lines of whole files: the bytes must not change."""
    same = 0
    for seed in range(first, first + sites):
        month = simulate(seed, planted=1)
        lines = as_lines(month.events)
        rng = random.Random(seed)
        shuffled = lines + rng.sample(lines, len(lines) // 5)
        rng.shuffle(shuffled)
        texts = []
        for way in (lines, shuffled):
            events, problems = read_events(way)
            assert not problems
            texts.append(json.dumps(suspect(month.book, events).to_json()))
        same += texts[0] == texts[1]
    return {"sites": sites, "byte_identical": same}


def as_lines(events: list[Event]) -> list[str]:
    """Return events as the lines of a file."""
    lines = []
    for one in events:
        if not isinstance(one, Link):
            row = one.row()
        else:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.received))
            row = {
                "type": "link",
                "terminal": one.terminal,
                "received_at": stamp,
                "up": one.up,
            }
        lines.append(json.dumps(row))
    return lines


def size(people: int, first: int) -> dict[str, Any]:
    """Measure CPU and memory of a whole run on a file, in a process of its own."""
    month = campus(first, people // 200)
    with tempfile.TemporaryDirectory() as folder:
        events, book = Path(folder, "events.jsonl"), Path(folder, "book")
        events.write_text("\n".join(as_lines(month.events)), encoding="utf-8")
        book.write_bytes(pickle.dumps(month.book))
        found = {}
        for word in ("gc", "nogc"):
            command = [sys.executable, "-m", "benchmarks.suspicion.measure"]
            done = subprocess.run(
                [*command, str(events), str(book), *([word] if word != "gc" else [])],
                capture_output=True,
                check=True,
            )
            found[word] = json.loads(done.stdout)
    return {"people": people, **found}
