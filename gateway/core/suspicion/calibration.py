"""What was measured on simulated clean sites; printed beside every strength.

From `python -m benchmarks.suspicion` (docs/suspicion.md): false cases on clean sites of
200 people, so that a reviewer reads how often the method errs, not how guilty anybody
is. Simulated sites, no real one: the true figures can only be worse.
"""

from typing import NamedTuple

from gateway.core.suspicion.values import Kind


class Measured(NamedTuple):
    """False cases of a kind in so many site-months, and the 95 % upper bound."""

    false: int
    site_months: int
    upper: float


MEASURED: dict[Kind, Measured] = {
    Kind.PAIR: Measured(0, 304, 0.0122),
    Kind.ENROLMENT: Measured(1, 304, 0.0184),
    Kind.BURST: Measured(3, 304, 0.0289),
    Kind.LEAVE: Measured(6, 304, 0.043),
    Kind.TWO_SITES: Measured(0, 304, 0.0122),
    Kind.CLOCK: Measured(0, 304, 0.0122),
    Kind.RECORDS_GONE: Measured(1, 304, 0.0184),
}


def expected_false(kind: Kind) -> dict[str, float | int]:
    """Return the measured false cases per site-month of a kind."""
    found = MEASURED[kind]
    return {
        "false": found.false,
        "site_months": found.site_months,
        "per_site_month_at_most": found.upper,
    }
