"""Back-off and how often failures are logged."""

import random

import pytest

from sync.retry import Retry, loud


def test_pauses_double_up_to_the_cap() -> None:
    """Every pause lies between half and all of its step, never above the cap."""
    retry = Retry(0.25, 8.0, _random=random.Random(7))
    pauses = [retry.failed() for _ in range(40)]
    for index, pause in enumerate(pauses):
        step = min(0.25 * 2**index, 8.0)
        assert step / 2 <= pause <= step
    assert len(set(pauses)) > 30  # a fleet does not come back in step
    retry.succeeded()
    assert retry.failures == 0
    assert retry.failed() <= 0.25


@pytest.mark.parametrize(
    "count, said",
    [(0, False), (1, True), (2, False), (10, True), (99, False), (100, True)],
)
def test_repeated_failures_are_logged_at_1_10_100(count: int, *, said: bool) -> None:
    """A failure that goes on does not flood the log."""
    assert loud(count) is said
