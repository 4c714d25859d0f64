"""The measurements of suspicion, one function each: sites in, figures out.

The detector is given events and a book; a guard refuses it every file while it looks,
and the truth is only in the scorer's hands.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.suspicion.baselines import adjacency, product_rule, right
from benchmarks.suspicion.score import (
    Score,
    median,
    p90,
    poisson_upper,
    score,
    wilson,
)
from benchmarks.suspicion.wire import Month, simulate
from gateway.core.suspicion.detect import Report, suspect
from gateway.core.suspicion.events import (
    Operation,
    Punch,
    gather,
)
from gateway.core.suspicion.queues import line_up, sheets
from gateway.core.values import VerifyMode

MONTHS = 2
PRICE = 3_000
LEVELS = (10, 20, 100, 1_000)
_guarded = False


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse files to the detector: what it says must come from its arguments."""
    if _guarded and event == "open":
        name = str(arguments[0])
        if not name.endswith((".py", ".pyc")) and "zoneinfo" not in name:
            raise PermissionError(f"the detector opened {name}")


@contextmanager
def blindfold() -> Iterator[None]:
    """Guard a run of the detector."""
    global _guarded  # noqa: PLW0603 - audit hooks cannot be taken off again
    _guarded = True
    try:
        yield
    finally:
        _guarded = False


def detect(month: Month) -> Report:
    """Run the detector on what a gateway would know, and nothing else."""
    events = gather(month.events)
    with blindfold():
        return suspect(month.book, events)


@dataclass
class Calibration:
    """E of innocent pairs: sums for the mean, and how many ever reached a level."""

    least: int
    pairs: int = 0
    total: float = 0.0
    above: Counter[int] = field(default_factory=Counter)

    def add(self, report: Report, guilty: set[str]) -> None:
        """Count the innocent pairs of a site."""
        for (name, other), pair in report.state.pairs.items():
            if pair.days >= self.least and not {name, other} & guilty:
                self.pairs += 1
                self.total += pair.e
                for level in LEVELS:
                    self.above[level] += pair.peak >= level

    def show(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "shared_days_at_least": self.least,
            "pairs": self.pairs,
            "mean_e": round(self.total / max(1, self.pairs), 3),
            **{
                f"p_sup_{level}": [
                    round(self.above[level] / max(1, self.pairs), 6),
                    *(round(x, 6) for x in wilson(self.above[level], self.pairs)),
                ]
                for level in LEVELS
            },
        }


def clean(sites: int, grouped: float, first: int) -> dict[str, Any]:
    """Measure false accusations on sites where nobody cheats."""
    false: Counter[str] = Counter()
    named: Counter[str] = Counter()
    wrong: list[str] = []
    sheets_by = [Calibration(least) for least in (1, 10, 20)]
    watch = 0
    for seed in range(first, first + sites):
        month = simulate(seed, grouped=grouped)
        report = detect(month)
        found = score(report.cases, [])
        false.update(found.false)
        wrong += [f"{seed}: {text}" for text in found.wrong]
        watch += found.watch
        for one in sheets_by:
            one.add(report, set())
        if seed - first < 10:
            queues = line_up(gather(month.events).punches, month.book)
            days = sheets(queues)
            named["within 12 s on 8+ slots"] += len(product_rule(days))
            named["adjacency with BH"] += len(adjacency(queues, days))
    months = sites * MONTHS
    cases = false["pair"] + false["enrolment"]
    every = sum(false.values())
    return {
        "site_months": months,
        "grouped": grouped,
        "false_by_kind": dict(false),
        "false_pair_cases": rate(cases, months),
        "all_false_accusing": rate(every, months),
        "false_watch_entries": rate(watch, months),
        "yuan_at_risk_per_site_month": round(PRICE * cases / months, 1),
        "wrong": wrong,
        "calibration": [one.show() for one in sheets_by],
        "baselines_named_per_site": {k: n / min(10, sites) for k, n in named.items()},
    }


def rate(hits: int, months: int) -> dict[str, Any]:
    """Return a rate per site-month and its exact 95 % upper bound."""
    return {
        "n": hits,
        "per_site_month": round(hits / months, 4),
        "upper": round(poisson_upper(hits, months), 4),
    }


def share(hits: int, tries: int) -> dict[str, Any]:
    """Return a share and its 95 % interval."""
    low, high = wilson(hits, tries)
    return {
        "n": f"{hits}/{tries}",
        "share": round(hits / max(1, tries), 3),
        "low": round(low, 3),
        "high": round(high, 3),
    }


def planted(
    sites: int, first: int, change: Callable[[Month], None] | None = None, **how: Any
) -> dict[str, Any]:
    """Measure precision, recall and delay on sites with cheats."""
    all_of = Tally()
    named: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for seed in range(first, first + sites):
        month = simulate(seed, planted=1, **how)
        if change is not None:
            change(month)
        report = detect(month)
        all_of.add(score(report.cases, month.plants))
        if seed - first < 10 and change is None:
            queues = line_up(gather(month.events).punches, month.book)
            days = sheets(queues)
            for name, pairs in (
                ("within 12 s on 8+ slots", product_rule(days)),
                ("adjacency with BH", adjacency(queues, days)),
            ):
                named[name] += len(pairs)
                true[name] += right(pairs, month.plants)
    return {
        "site_months": sites * MONTHS,
        **all_of.show(),
        "baselines_false_share": {
            name: share(n - true[name], n) for name, n in named.items()
        },
    }


class Tally:
    """Scores of many sites, added up."""

    def __init__(self) -> None:
        self.scores: list[Score] = []

    def add(self, one: Score) -> None:
        """Add a site."""
        self.scores.append(one)

    def _sum(self, name: str) -> int:
        return sum(getattr(one, name) for one in self.scores)

    def _counter(self, name: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for one in self.scores:
            found.update(getattr(one, name))
        return found

    def _list(self, name: str, key: str) -> list[int]:
        return [n for one in self.scores for n in getattr(one, name).get(key, [])]

    def show(self) -> dict[str, Any]:
        """Return the figures."""
        cases, false = self._counter("cases"), self._counter("false")
        put = self._counter("planted")
        fdp = [
            (one.false.get("pair", 0)) / max(1, one.cases.get("pair", 0))
            for one in self.scores
        ]
        return {
            "precision_by_kind": {
                kind: share(cases[kind] - false[kind], cases[kind])
                for kind in sorted(cases)
            },
            "subject_right": share(self._sum("subject_right"), self._sum("named")),
            "neighbour_right": share(self._sum("neighbour_right"), self._sum("named")),
            "events_right": share(self._sum("events_right"), self._sum("events")),
            "mean_pair_fdp": round(sum(fdp) / len(fdp), 4),
            "one_offs_raised_as_cases": self._sum("one_offs_raised"),
            "watch_precision": share(self._sum("watch_right"), self._sum("watch")),
            "one_offs_listed": share(self._sum("one_offs_listed"), put["d"]),
            **self._recall(put),
            "days_to_case_median_p90": {
                key: [median(days), p90(days)]
                for key in sorted(put)
                if (days := self._list("delay", key))
            },
            "proxied_days_used_median_p90": {
                key: [median(days), p90(days)]
                for key in sorted(put)
                if (days := self._list("used", key))
            },
            "wrong": [text for one in self.scores for text in one.wrong],
        }

    def _recall(self, put: Counter[str]) -> dict[str, Any]:
        """Return which share of what was planted was found, of all and by what."""
        found = self._counter("found")
        by_days = [row for one in self.scores for row in one.by_days]
        by_tie = [row for one in self.scores for row in one.by_tie]
        by_part = [row for one in self.scores for row in one.by_part]
        return {
            "recall": {key: share(found[key], put[key]) for key in sorted(put)},
            "recall_a_j_by_days": {
                f"{low}-{high}": share(
                    sum(hit for days, hit in by_days if low <= days <= high),
                    sum(low <= days <= high for days, _ in by_days),
                )
                for low, high in ((1, 4), (5, 6), (7, 9), (10, 99))
            },
            "recall_a_j_by_helper": {
                word: share(
                    sum(hit for tie, hit in by_tie if tie == friends),
                    sum(tie == friends for tie, _ in by_tie),
                )
                for word, friends in (("a friend", True), ("no friend", False))
            },
            "recall_b_i_by_part": {
                word: share(
                    sum(hit for part, hit in by_part if part == word),
                    sum(part == word for part, _ in by_part),
                )
                for word in sorted({part for part, _ in by_part})
            },
        }


def half_unknown(month: Month) -> None:
    """Make half of the verify codes unknown."""
    rng = random.Random(month.site.seed)
    month.events = [
        one._replace(verify=VerifyMode.UNKNOWN)
        if isinstance(one, Punch) and rng.random() < 0.5
        else one
        for one in month.events
    ]


def missing_day(month: Month) -> None:
    """Lose one working day of every terminal."""
    day = 31
    start = min(one.at for one in month.events if isinstance(one, Punch)) // 86_400
    month.events = [
        one
        for one in month.events
        if not (isinstance(one, Punch) and one.at // 86_400 == start + day)
    ]


def without_operations(month: Month) -> None:
    """Lose every line of the operation log."""
    month.events = [one for one in month.events if not isinstance(one, Operation)]
