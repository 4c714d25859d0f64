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
    Kind.PAIR: Measured(0, 320, 0.0115),
}


def expected_false(kind: Kind) -> dict[str, float | int] | None:
    """Return the measured false cases per site-month of a kind; None = not measured."""
    found = MEASURED.get(kind)
    if found is None:
        return None
    return {
        "false": found.false,
        "site_months": found.site_months,
        "per_site_month_at_most": found.upper,
    }
