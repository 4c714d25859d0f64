"""The command `punchgate`: arguments and printing only."""

from gateway.cli import (
    ask,
    central_ask,
    demo,
    doctor,
    import_file,
    init,
    quarantine,
    reconcile,
    serve,
    terminal,
)
from gateway.cli.app import app

__all__ = [
    "ask",
    "central_ask",
    "demo",
    "doctor",
    "import_file",
    "init",
    "main",
    "quarantine",
    "reconcile",
    "serve",
    "terminal",
]


def main() -> None:
    """Run the command line."""
    app()
