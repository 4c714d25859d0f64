"""The command `punchgate`: arguments and printing only."""

import sys
from importlib import import_module

from gateway.cli.app import app


def main() -> None:
    """Run the command line.

    The daemon runs for years on a small machine: it does without the 6 MB of code that
    other commands need.
    """
    alone = sys.argv[1:2] == ["run"]
    import_module("gateway.cli.serve" if alone else "gateway.cli.every")
    app()
