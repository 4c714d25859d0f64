"""The tables of what was measured, against the floors and goals of the paper (8).

A floor is met only if the bad end of the 95 % interval lies inside it.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

PRICE = 3_000
RECALL_FLOORS = {
    "a": (0.75, 0.92),
    "b": (0.30, 0.65),
    "c": (0.60, 0.85),
    "e": (0.80, 0.97),
    "f": (0.80, 0.97),
    "g": (0.60, 0.95),
    "h": (0.80, 0.97),
    "i": (0.80, 0.97),
    "j": (0.70, 0.92),
}
VARIANTS = (
    *("planted60", "one_terminal", "half_unknown", "missing_day"),
    *("no_operations", "few_removed"),
)

Found = dict[str, Any]


class Line(NamedTuple):
    """One metric: what was seen, its bad end, floor and goal; `most` = lower wins."""

    name: str
    seen: str
    bad: float
    floor: float
    goal: float
    most: bool

    def met(self, bar: float) -> bool:
        """Say whether the bad end of the interval lies within a bar."""
        return self.bad <= bar if self.most else self.bad >= bar

    def row(self) -> str:
        """Return the line of a table."""
        floor = "met" if self.met(self.floor) else "**missed**"
        goal = "met" if self.met(self.goal) else "not shown"
        sign = "≤" if self.most else "≥"
        return (
            f"| {self.name} | {self.seen} | {sign} {self.bad:g} "
            f"| {sign} {self.floor:g}: {floor} | {sign} {self.goal:g}: {goal} |"
        )


def tables(folder: Path) -> int:
    """Print all tables of a folder of sections; return 1 if a floor is missed."""
    found: dict[str, Found] = {}
    for path in sorted(folder.glob("*.json")):
        found |= json.loads(path.read_text(encoding="utf-8"))
    lines = [line for part in PARTS for line in part(found)]
    print("| metric | measured | bad end of 95 % | hard floor | goal |")
    print("|---|---|---|---|---|")
    for line in lines:
        print(line.row())
    for name in ("clean30", "clean60"):
        if name in found:
            print("\n" + "\n".join(_clean_words(name, found[name])))
    for name in ("planted", *VARIANTS):
        if name in found:
            print("\n" + "\n".join(_planted_words(name, found[name])))
    if "delivery" in found:
        print(f"\ndelivery: {found['delivery']}")
    return int(any(not line.met(line.floor) for line in lines))


def _rates(found: dict[str, Found]) -> Iterator[Line]:
    for name, share in (("clean30", "30 %"), ("clean60", "60 %")):
        if name not in found:
            continue
        one = found[name]
        for key, words, floor, goal in (
            ("false_pair_cases", "false pair and enrolment cases", 0.05, 0.01),
            ("all_false_accusing", "all false accusing findings", 0.10, 0.02),
        ):
            seen, months = one[key], one["site_months"]
            text = f"{seen['n']} in {months} = {seen['per_site_month']}"
            title = f"{words} per clean site-month, {share} in groups"
            yield Line(title, text, seen["upper"], floor, goal, most=True)
        ten = next(c for c in one["calibration"] if c["shared_days_at_least"] == 10)
        share_100 = ten["p_sup_100"]
        title = f"P(sup E ≥ 100), innocent pairs of 10+ days, {share}"
        text = f"{share_100[0]} of {ten['pairs']}"
        yield Line(title, text, share_100[2], 0.01, 0.002, most=True)


def _precision(found: dict[str, Found]) -> Iterator[Line]:
    one = found.get("planted")
    if one is None:
        return
    pairs = one["precision_by_kind"]["pair"]
    yield _least("precision of pair cases, subject right", pairs, 0.97, 0.99)
    both = one["neighbour_right"]
    yield _least("pair and enrolment cases, subject and neighbour", both, 0.95, 0.99)
    fdp = one["mean_pair_fdp"]
    yield Line("mean FDP at nominal 0.05", f"{fdp}", fdp, 0.05, 0.02, most=True)
    raised = one["one_offs_raised_as_cases"]
    yield Line("one-offs raised as a case", f"{raised}", raised, 0, 0, most=True)
    yield _least("watch list entries that are right", one["watch_precision"], 0.6, 0.85)
    days = one["proxied_days_used_median_p90"]["a"][0]
    title = "proxied days needed for a, median"
    yield Line(title, f"{days}", days, 6, 4, most=True)


def _least(name: str, share: Found, floor: float, goal: float) -> Line:
    seen = f"{share['n']} = {share['share']}"
    return Line(name, seen, share["low"], floor, goal, most=False)


def _recall(found: dict[str, Found]) -> Iterator[Line]:
    one = found.get("planted")
    for key, (floor, goal) in RECALL_FLOORS.items() if one else ():
        assert one is not None
        yield _least(f"recall of {key}", one["recall"][key], floor, goal)


def _cost(found: dict[str, Found]) -> Iterator[Line]:
    one = found.get("size2000", {}).get("gc")
    if one is not None:
        cpu = round(one["cpu_read"] + one["cpu_suspect"], 1)
        yield Line("CPU, 2,000 × 60 (s)", f"{cpu}", cpu, 60, 10, most=True)
        peak = one["mb_peak"]
        yield Line(
            "peak memory, 2,000 × 60 (MiB)", f"{peak}", peak, 572, 190, most=True
        )


PARTS: tuple[Callable[[dict[str, Found]], Iterator[Line]], ...] = (
    _rates,
    _precision,
    _recall,
    _cost,
)


def _clean_words(name: str, one: Found) -> Iterator[str]:
    yield f"{name}: {one['site_months']} site-months, false by kind {_of(one)}"
    watch = one["false_watch_entries"]
    yield f"false watch entries {watch['per_site_month']} (≤ {watch['upper']})"
    cases = one["false_pair_cases"]
    yield (
        f"expected false pair cases × {PRICE:,} yuan per site-month: "
        f"{PRICE * cases['per_site_month']:.0f} (≤ {PRICE * cases['upper']:.0f})"
    )
    for row in one["calibration"]:
        yield f"calibration {row}"
    yield f"pairs named per site by others: {one['baselines_named_per_site']}"
    yield f"wrong: {one['wrong']}"


def _of(one: Found) -> str:
    return (
        ", ".join(f"{kind} {n}" for kind, n in one["false_by_kind"].items()) or "none"
    )


def _planted_words(name: str, one: Found) -> Iterator[str]:
    yield f"{name}: {one['site_months']} site-months"
    recall = one["recall"]
    yield "recall " + ", ".join(
        f"{key} {recall[key]['n']} ({recall[key]['low']}-{recall[key]['high']})"
        for key in recall
    )
    for key in (
        "precision_by_kind",
        "events_right",
        "one_offs_listed",
        "recall_a_j_by_days",
        "recall_a_j_by_helper",
        "recall_b_i_by_part",
        "days_to_case_median_p90",
        "proxied_days_used_median_p90",
        "baselines_false_share",
        "wrong",
    ):
        if one.get(key):
            yield f"{key}: {_plain(one[key])}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and "n" in value:
        return f"{value['n']} ({value['low']}-{value['high']})"
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value
