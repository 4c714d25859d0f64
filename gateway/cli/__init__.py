"""The command `punchgate`: arguments and printing only."""

from gateway.cli import (
    ask,
    book,
    book_import,
    book_show,
    calendar,
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
    terminal,
)
from gateway.cli.app import app

__all__ = [
    "ask",
    "book",
    "book_import",
    "book_show",
    "calendar",
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
    "terminal",
]


def main() -> None:
    """Run the command line."""
    app()
