"""What wrong cases would cost: printed under every report, never left out.

Measured on simulated clean sites of 200 people (`gateway.core.suspicion.calibration`),
scaled to the people of this site and to a year. Terminals' cases (clock, records gone)
accuse nobody and are no part of it. Source: proxy-detection.md 8, «decision economics».
"""

from dataclasses import dataclass
from typing import Any

from gateway.core.suspicion.calibration import MEASURED
from gateway.core.suspicion.values import Kind, Text

CASE_YUAN = 3_000
"""What a confirmed case costs a person's employer (S0-T19-6(2))."""

_SITE_PEOPLE = 200
_MONTHS = 365 / 30
_ACCUSING = (Kind.PAIR, Kind.ENROLMENT, Kind.BURST, Kind.LEAVE, Kind.TWO_SITES)

NEVER = Text(
    "本报告只列疑点，任何数字都不是有罪概率。",
    "These are suspicions; a number here is never a probability of guilt.",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Expected false cases in a year among `people`, and at most (95 %)."""

    people: int
    a_year: float
    at_most: float

    @property
    def yuan(self) -> int:
        """Return what the expected ones would cost."""
        return round(self.a_year * CASE_YUAN)

    @property
    def yuan_at_most(self) -> int:
        """Return what the most expected ones would cost."""
        return round(self.at_most * CASE_YUAN)

    def to_json(self) -> dict[str, Any]:
        """Return it as reports have it."""
        return {
            "people": self.people,
            "cases_per_year": round(self.a_year, 3),
            "cases_per_year_at_most": round(self.at_most, 3),
            "yuan_per_case": CASE_YUAN,
            "yuan_per_year": self.yuan,
            "yuan_per_year_at_most": self.yuan_at_most,
            "measured_on": "simulated sites, no real one",
        }

    def words(self) -> Text:
        """Return it as one sentence."""
        return Text(
            f"预计误立案：{self.people} 人每年 {self.a_year:.2f} 件"
            f"（95 % 上限 {self.at_most:.2f} 件）× {CASE_YUAN:,} 元"
            f" = {self.yuan:,} 元（上限 {self.yuan_at_most:,} 元）；"
            f"仅据模拟工地测得，真实情况只会更差。",
            f"Expected false cases: {self.a_year:.2f} a year among {self.people} people"
            f" (95 % at most {self.at_most:.2f}) × {CASE_YUAN:,} yuan"
            f" = {self.yuan:,} yuan (at most {self.yuan_at_most:,});"
            f" measured on simulated sites only, a real one can only be worse.",
        )


def expected(people: int) -> Cost:
    """Return the false cases to expect among so many people in a year."""
    years = people / _SITE_PEOPLE * _MONTHS
    rates = [MEASURED[kind] for kind in _ACCUSING]
    measured = sum(one.false / one.site_months for one in rates)
    return Cost(people, measured * years, sum(one.upper for one in rates) * years)
