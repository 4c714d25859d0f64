"""How often suspicion errs, and what it finds: `python -m benchmarks.suspicion`.

Tuning used seeds 0-99 only; what is reported here starts at 11,000. Prints one JSON
document per section; with `--into FOLDER` each goes to a file of its own, and `--report
FOLDER` prints the tables of those files, whoever measured them and when, and ends with
1 if a hard floor is missed (proxy-detection.md 8).
"""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.suspicion.cost import delivery, size
from benchmarks.suspicion.plant import FEW_REMOVED
from benchmarks.suspicion.report import tables
from benchmarks.suspicion.sections import (
    clean,
    guard,
    half_unknown,
    missing_day,
    planted,
    without_operations,
)

REPORT_SEED = 11_000


def sections(
    asked: argparse.Namespace, first: int
) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what can be measured, each with seeds of its own."""
    return {
        "clean30": partial(clean, asked.sites, 0.3, first),
        "clean60": partial(clean, asked.sites, 0.6, first + 1_000),
        "planted": partial(planted, asked.planted, first + 2_000),
        "planted60": partial(planted, 8, first + 3_000, grouped=0.6),
        "one_terminal": partial(planted, 6, first + 4_000, terminals=1),
        "half_unknown": partial(planted, 6, first + 4_100, half_unknown),
        "missing_day": partial(planted, 6, first + 4_200, missing_day),
        "delivery": partial(delivery, 3, first + 4_300),
        "no_operations": partial(planted, 6, first + 4_400, without_operations),
        "few_removed": partial(planted, 15, first + 4_500, removed=FEW_REMOVED),
        "size200": partial(size, 200, first + 5_000),
        "size2000": partial(size, 2_000, first + 5_001),
    }


def main() -> int:
    """Measure the sections asked for, or print the tables of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", default=[])
    parser.add_argument("--sites", type=int, default=76)
    parser.add_argument("--planted", type=int, default=40)
    parser.add_argument("--first", type=int, default=REPORT_SEED)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    if asked.report:
        return tables(asked.report)
    sys.addaudithook(guard)
    known = sections(asked, asked.first)
    for name in asked.sections or known:
        text = json.dumps({name: known[name]()}, indent=1, ensure_ascii=False)
        if asked.into:
            asked.into.mkdir(parents=True, exist_ok=True)
            Path(asked.into, f"{name}.json").write_text(text + "\n", encoding="utf-8")
        else:
            print(text, flush=True)
    return 0


sys.exit(main())
