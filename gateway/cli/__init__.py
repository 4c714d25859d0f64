"""The command `punchgate`: arguments and printing only."""

from gateway.cli import (
    ask,
    book,
    book_import,
    book_show,
    calendar,
    central_ask,
    demo,
    doctor,
    import_file,
    init,
    judge,
    policy,
    quarantine,
    reconcile,
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
    "demo",
    "doctor",
    "import_file",
    "init",
    "judge",
    "main",
    "policy",
    "quarantine",
    "reconcile",
    "serve",
    "terminal",
]


def main() -> None:
    """Run the command line."""
    app()
