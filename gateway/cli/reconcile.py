"""`punchgate reconcile`: count every day with the centre, now, and say what differs."""

import sys
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gateway import control, settings
from gateway.cli.app import (
    PROBLEM,
    USAGE,
    ConfigOption,
    JsonOption,
    app,
    config_path,
    fail,
    say,
    show_json,
)
from gateway.errors import ConfigError

_ASK_EVERY = 0.2
_COUNT_SECONDS = 300.0  # a journal of millions that was never counted takes a while


@app.command("reconcile")
def reconcile(
    config: ConfigOption = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the centre's answers.")
    ] = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Count punches per terminal and day with the centre; send again what differs.

    The running daemon counts the last 40 days and every day that changed since the last
    time, as it does each night at three. Ends with 1 when a day differs, or when the
    centre did not answer in time.
    """
    try:
        loaded = settings.load(config_path(config))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)
    try:
        lines = control.ask(loaded.data_dir, "reconcile", _COUNT_SECONDS)
        until = time.monotonic() + wait
        while any(line["waiting"] for line in lines) and time.monotonic() < until:
            time.sleep(_ASK_EVERY)
            lines = control.ask(loaded.data_dir, "reconciled")
    except control.NoDaemonError as error:
        fail(f"{error}; start it with punchgate run: it alone counts and sends")
    except control.RefusedError as error:
        fail(str(error))
    if as_json:
        show_json({"terminals": lines})
    else:
        _show(lines)
    if any(line["waiting"] or line["differing"] for line in lines):
        raise typer.Exit(PROBLEM)


def _show(lines: list[dict[str, Any]]) -> None:
    found = Table("terminal", "serial", box=None, pad_edge=False)
    for name in ("days", "mended", "differ", "unanswered"):
        found.add_column(name, justify="right")
    for line in lines:
        counts = [line["days"], len(line["mended"]), len(line["differing"])]
        waiting = "yes" if line["waiting"] else ""
        values = [*(str(count) for count in counts), waiting]
        found.add_row(line["terminal"], line["serial"], *values)
    Console(file=sys.stdout, highlight=False).print(found)
    for line in lines:
        for one in line["differing"]:
            say(
                f"  {line['terminal']} {one['day']}: here {one['here']},"
                f" at the centre {one['centre']}"
            )
    if any(line["waiting"] for line in lines):
        say("the centre did not answer in time; its answer will show in the log")
    elif not lines:
        say("no punches yet")
