"""`punchgate doctor`: prints the staged self-test."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import typer

from gateway import control, law, settings, status
from gateway.cli.app import (
    PROBLEM,
    USAGE,
    ConfigOption,
    JsonOption,
    app,
    config_path,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.doctor import broker, terminal
from gateway.doctor.checks import Check, Stage, failed, passed
from gateway.doctor.terminal import Case
from gateway.errors import ConfigError
from gateway.settings import Loaded, TerminalSettings
from gateway.terminals import spec_of

_WIDTH = 8


@dataclass(slots=True)
class _Chain:
    """What was found of one terminal, or of the way to the centre."""

    subject: str
    where: str
    terminal: str | None
    checks: list[Check] = field(default_factory=list)

    @property
    def failure(self) -> Check | None:
        """Return the failed check; a chain ends at it."""
        return next((check for check in self.checks if not check.passed), None)


class _Printer:
    """Prints checks as they come, for people or not at all."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        fancy = sys.stdout.isatty() and "utf" in (sys.stdout.encoding or "").lower()
        self._marks = ("✗", "✓") if fancy else ("FAIL", "ok")

    def begin(self, chain: _Chain) -> None:
        """Print whose checks follow."""
        self._say(f"{chain.subject}  {chain.where}")

    def check(self, check: Check) -> None:
        """Print a check, and what to do where it failed."""
        mark = self._marks[check.passed]
        self._say(f"  {mark:<4}  {check.stage:<{_WIDTH}}{shown(check.words)}")
        if check.do:
            self._say(f"        do this: {shown(check.do)}")

    def _say(self, text: str) -> None:
        if not self._silent:
            say(text)


def shown(text: str) -> str:
    """Make text of terminals and brokers safe to show."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


@app.command()
def doctor(
    config: ConfigOption = None,
    only: Annotated[
        str | None,
        typer.Option("--terminal", metavar="ID", help="This terminal and no other."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Test every stage from terminal to centre; say what is wrong and what to do.

    Each chain of stages ends at its first failure. Exit 0: all is well, 1: something
    is not, 2: usage. Nothing is changed on any terminal.
    """
    try:
        loaded = settings.load(config_path(config))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)
    chosen = [t for t in loaded.settings.terminals if only in {None, t.id}]
    if only is not None and not chosen:
        known = ", ".join(t.id for t in loaded.settings.terminals)
        fail(f"no terminal {only!r} in {loaded.path}; there are: {known}", USAGE)
    printer = _Printer(silent=as_json)
    chains = [_terminal(loaded, one, printer) for one in chosen]
    if only is None:
        chains += [_broker(loaded, printer), _rules(loaded, printer)]
    _conclude(chains, as_json=as_json)


def _conclude(chains: list[_Chain], *, as_json: bool) -> None:
    first = next((chain for chain in chains if chain.failure), None)
    if as_json:
        rows = [_row(chain) for chain in chains]
        show_json({"ok": first is None, "first": first and _first(first), "all": rows})
    elif first is None:
        say("all is well")
    if first is not None:
        raise typer.Exit(PROBLEM)


def _first(chain: _Chain) -> dict[str, Any]:
    return {"terminal": chain.terminal, **asdict(chain.checks[-1])}


def _row(chain: _Chain) -> dict[str, Any]:
    checks = [asdict(check) for check in chain.checks]
    return {"terminal": chain.terminal, "where": chain.where, "checks": checks}


def _terminal(loaded: Loaded, one: TerminalSettings, printer: _Printer) -> _Chain:
    chain = _Chain(f"terminal {one.id}", f"{one.host}:{one.port}", one.id)
    printer.begin(chain)
    try:
        spec = spec_of(loaded, one)
    except ConfigError as error:
        fail(str(error), USAGE)
    now = now_of_process()
    case = Case(spec, loaded.book, loaded.settings.alarms, now, loaded.path)
    with ExitStack() as lent:
        try:
            asked = control.borrow(loaded.data_dir, "borrow", terminal=one.id)
            lent.enter_context(asked)
        except control.NoDaemonError:
            pass  # nobody has it
        except control.RefusedError as refusal:
            line = _line(loaded, one.id)
            if line is not None:
                check = terminal.held(line, str(refusal))
                chain.checks.append(check)
                printer.check(check)
                return chain
        asyncio.run(_collect(terminal.examine(case), chain, printer))
    return chain


async def _collect(
    checks: AsyncIterator[Check], chain: _Chain, printer: _Printer
) -> None:
    async for check in checks:
        chain.checks.append(check)
        printer.check(check)


def _line(loaded: Loaded, name: str) -> dict[str, Any] | None:
    """Return what the daemon says of a terminal; None where it polls none such."""
    lines = (_status(loaded) or {"terminals": []})["terminals"]
    return next((line for line in lines if line["id"] == name), None)


def _status(loaded: Loaded) -> dict[str, Any] | None:
    """Return the status, of the daemon or of the journal; None where there is none."""
    try:
        found: dict[str, Any] = control.ask(loaded.data_dir, "status")
    except control.NoDaemonError:
        pass
    else:
        return found
    try:
        return status.from_journal(loaded, now_of_process())
    except sqlite3.Error:
        return None


def _rules(loaded: Loaded, printer: _Printer) -> _Chain:
    """Read what verdicts rest on, as the daemon does at its start."""
    chain = _Chain("rules", str(loaded.book_path), None)
    printer.begin(chain)
    chain.checks.append(_lawful(loaded))
    printer.check(chain.checks[-1])
    return chain


def _lawful(loaded: Loaded) -> Check:
    try:
        found = law.read(loaded)
    except ConfigError as error:
        do = "correct this; until then nothing new is judged (punchgate policy show)"
        return failed(Stage.RULES, str(error.problems[0]), do)
    names = ", ".join(sorted({one.id for one in found.policies.values()}))
    return passed(Stage.RULES, f"policies {names}" if names else "no contract yet")


def _broker(loaded: Loaded, printer: _Printer) -> _Chain:
    mqtt = loaded.settings.mqtt
    chain = _Chain("broker", f"{mqtt.host}:{mqtt.port}", None)
    printer.begin(chain)
    way = broker.Way(loaded, _status(loaded), now_of_process())
    for check in broker.examine(way):
        chain.checks.append(check)
        printer.check(check)
    return chain
