"""What a daemon here has logged: a line comes after the commit it tells of."""

from typing import Any

import pytest

from tests.end_to_end.processes import until


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """Return the values of every line of an event so far."""
    return [
        dict(record.args)
        for record in list(caplog.records)
        if record.msg == event and isinstance(record.args, dict)
    ]


def until_told(
    caplog: pytest.LogCaptureFixture, event: str, **values: object
) -> dict[str, Any]:
    """Wait for a line of an event with these values; return all of its values."""

    def found() -> list[dict[str, Any]]:
        return [one for one in told(caplog, event) if values.items() <= one.items()]

    until(lambda: bool(found()), f"a line «{event}» with {values}", 60)
    return found()[0]
