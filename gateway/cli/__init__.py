"""The command `punchgate`: arguments and printing only."""

from gateway.cli import (
    ask,
    book,
    book_import,
    book_show,
    calendar,
    calibrate,
    cases,
    central_ask,
    day,
    demo,
    doctor,
    explain,
    import_file,
    init,
    judge,
    month,
    people,
    policy,
    quarantine,
    reconcile,
    scan,
    serve,
    suspect,
    terminal,
    terminal_care,
)
from gateway.cli.app import app

__all__ = [
    "ask",
    "book",
    "book_import",
    "book_show",
    "calendar",
    "calibrate",
    "cases",
    "central_ask",
    "day",
    "demo",
    "doctor",
    "explain",
    "import_file",
    "init",
    "judge",
    "main",
    "month",
    "people",
    "policy",
    "quarantine",
    "reconcile",
    "scan",
    "serve",
    "suspect",
    "terminal",
    "terminal_care",
]


def main() -> None:
    """Run the command line."""
    app()
