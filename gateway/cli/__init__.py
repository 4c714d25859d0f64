"""The command `punchgate`: arguments and printing only."""

from gateway.cli import ask, demo, doctor, import_file, init, serve, terminal
from gateway.cli.app import app

__all__ = ["ask", "demo", "doctor", "import_file", "init", "main", "serve", "terminal"]


def main() -> None:
    """Run the command line."""
    app()
