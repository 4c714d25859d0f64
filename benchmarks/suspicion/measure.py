"""One run of the engine on a file, in a process of its own; prints its cost as JSON.

`python -m benchmarks.suspicion.measure EVENTS BOOK [nogc]`: the book is pickled by the
parent, for the size of the generator must not count. With `nogc` the cycle collector
rests, as a short-lived command may let it.
"""

import gc
import json
import pickle
import sys
import time
from pathlib import Path

from gateway.core.suspicion.detect import suspect
from gateway.core.suspicion.events import read_events


def _peak() -> int:
    """Return the highest resident size in MiB (getrusage would show the parent's)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (row for row in status.splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def main() -> None:
    """Read, look, write, and say what it cost."""
    if sys.argv[3:] == ["nogc"]:
        gc.disable()
    book = pickle.loads(Path(sys.argv[2]).read_bytes())  # noqa: S301 - our parent's
    before = _peak()
    start = time.process_time()
    with Path(sys.argv[1]).open(encoding="utf-8") as file:
        events, problems = read_events(file)
    read = time.process_time()
    report = suspect(book, events)
    looked = time.process_time()
    text = json.dumps(report.to_json(), ensure_ascii=False)
    assert not problems
    print(
        json.dumps(
            {
                "punches": len(events.punches),
                "ordered_pairs": len(report.state.pairs),
                "cases": text.count('"grade": "case"'),
                "cpu_read": round(read - start, 2),
                "cpu_suspect": round(looked - read, 2),
                "mb_before": before,
                "mb_peak": _peak(),
            }
        )
    )


main()
