"""The first five minutes: everything on loopback, with a broker that dies in between.

Starts the real commands as child processes under one story clock, prints what becomes
true when it becomes true, and ends with the proof that nothing was lost.
"""

import queue
import random
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from drivers.attlog import AttlogLine, format_line
from gateway import control, log
from gateway.cli import demo_site, proof
from gateway.cli.app import PROBLEM, USAGE, app, fail
from gateway.cli.children import ChildError, command
from gateway.cli.demo_guests import Guest, guests
from gateway.cli.demo_page import show
from gateway.cli.demo_site import DemoPerson, DemoTerminal
from gateway.cli.demo_stage import Stage
from gateway.cli.demo_story import SPEED, START, arrivals
from gateway.cli.demo_verdicts import Shown
from gateway.cli.status_page import equation
from gateway.clock import Story

_GENERATE_UNTIL = 0.6
_BROKER_DIES, _TERMINAL_REBOOTS, _BROKER_BACK = 0.25, 0.35, 0.40
_LAST_PUNCH_BEFORE_END = 0.5
_EXTRA_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_DAY_LOOK_SECONDS = 0.5
_FEWEST_SECONDS = 5
_SEED = 20261102


@app.command()
def demo(
    seconds: Annotated[
        int, typer.Option("--for", min=_FEWEST_SECONDS, help="Seconds it takes.")
    ] = 60,
    people: Annotated[int, typer.Option(min=1, max=5000, help="Invented people.")] = 30,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Where to keep everything; else a new folder.", metavar="DIR"
        ),
    ] = None,
) -> None:
    """Show all of it on loopback: terminals, broker, daemon, centre, faults, proof."""
    folder = _folder(data)
    story = Story(START, SPEED, time.time())
    try:
        held = _Demo(folder, story, seconds, demo_site.people(people)).run()
    except ChildError as error:
        fail(str(error), PROBLEM)
    if not held:
        raise typer.Exit(PROBLEM)


def _folder(data: Path | None) -> Path:
    if data is None:
        return Path(tempfile.mkdtemp(prefix="punchgate-demo-"))
    folder = data.resolve()
    if folder.exists() and any(folder.iterdir()):
        fail(f"{folder} is not empty; name a new folder for the demo", USAGE)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(slots=True)
class _Heard:
    """What the daemon's log said, from its reading thread."""

    lines: "queue.SimpleQueue[str]" = field(default_factory=queue.SimpleQueue)
    up: dict[str, float] = field(default_factory=dict)


class _Demo:
    """One run of the demo."""

    def __init__(
        self, folder: Path, story: Story, seconds: int, crew: list[DemoPerson]
    ) -> None:
        self._folder = folder
        self._story = story
        self._seconds = seconds
        self._crew = crew
        self._rng = random.Random(_SEED)  # noqa: S311 - a story, no secret
        self._heard = _Heard()
        self._names = {person.badge: person.name for person in crew}
        self._verdicts = Shown(crew, START.date())
        self._day_before = demo_site.working_days(START.date())[-1]
        self._day_told = False
        self._day_looked = 0.0
        self._generated = 0
        self._guests = guests(folder, crew)
        self._acted: list[Guest] = []
        self._stage = Stage(folder, story)
        self._broker_port = self._stage.port(18883)
        self._terminals = [
            self._terminal("lobby", "VT00000001", "大门", "40", 14370),
            self._terminal("machine-room", "VT00000002", "机房", "16", 14371),
        ]
        self._ended = False
        self._began = time.monotonic()
        self._began_reading = self._began

    def _terminal(
        self, name: str, serial: str, place: str, layout: str, port: int
    ) -> DemoTerminal:
        memory = self._folder / f"{name}_attlog.dat"
        users = self._folder / f"{name}.csv"
        port = self._stage.port(port)
        return DemoTerminal(name, serial, place, layout, port, memory, users)

    def run(self) -> bool:
        """Run to the end; return whether the proof holds."""
        previous = {
            number: signal.signal(number, self._end)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            return self._run()
        finally:
            self._stage.stop()
            for guest in self._guests:
                guest.stop()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _run(self) -> bool:
        self._begin()
        self._live()
        if self._ended:
            self._line("ended early", "the proof of what was generated so far:")
        return self._prove()

    def _end(self, number: int, frame: FrameType | None) -> None:
        """Note Ctrl-C or SIGTERM: stop generating, show the proof."""
        del number, frame
        self._ended = True

    def _begin(self) -> None:
        folder = self._folder
        show(
            "punchgate demo · invented people, real ZK protocol, loopback only"
            f" · story time {self._story.start:%a %Y-%m-%d %H:%M} ×{SPEED:g}"
            f" · data in {folder}"
        )
        past = demo_site.history(self._crew, START.date(), self._rng)
        self._generated = sum(map(len, past.values()))
        files = (folder, self._terminals, self._crew, past)
        demo_site.write(*files, self._broker_port, START.date())
        self._invite()
        port = self._broker_port
        name = self._stage.start_broker(port)
        self._row(
            "broker",
            f"{name} on 127.0.0.1:{port}",
            f"look: mosquitto_sub -p {port} -t 'att/v1/#' -v",
        )
        for terminal in self._terminals:
            self._stage.start_terminal(terminal)
        shown = "  ".join(
            f"{t.id} ({t.layout}-byte, :{t.port})" for t in self._terminals
        )
        look = f"look: punchgate terminal info 127.0.0.1:{self._terminals[0].port}"
        self._row("terminals", shown, look)
        for guest in self._guests:
            guest.start()
        centre = [command(), "central", "-c", str(folder / "central.toml")]
        self._stage.start("centre", centre)
        self._began_reading = time.monotonic()
        gateway = [command(), "run", "-c", str(folder / "gateway.toml")]
        self._stage.start("daemon", gateway, self._heard.lines.put)
        self._until(lambda: len(self._heard.up) == len(self._terminals), 30.0)
        self._first_read(past)

    def _invite(self) -> None:
        """Add to both files what the guests need in them."""
        for guest in self._guests:
            for name, more in (
                ("gateway.toml", guest.gateway()),
                ("book.toml", guest.book(START.date())),
            ):
                with (self._folder / name).open("a", encoding="utf-8") as file:
                    file.write(more)

    def _first_read(self, past: dict[str, list[AttlogLine]]) -> None:
        parts = [
            f"{t.id} {len(past[t.id]):,} records"
            f" {self._heard.up[t.id] - self._began_reading:.1f} s"
            for t in self._terminals
        ]
        why = proof.reasons(self._journal())
        words = ", ".join(
            f"{n} {reason.replace('_', ' ')}" for reason, n in why.items()
        )
        parts.append(f"{sum(why.values())} not judged ({words})")
        self._row("daemon", "first full read: " + " · ".join(parts))

    def _live(self) -> None:
        """Generate punches, faults and what guests do until 60 % of the time."""
        moments = self._schedule()
        for at, act in moments:
            self._until(partial(self._is_past, at), self._seconds + 1.0)
            if self._ended:
                break
            act()
        if self._stage.broker_dead:
            self._restart_broker()

    def _schedule(self) -> list[tuple[float, Callable[[], None]]]:
        """Return what happens when, in seconds since the demo began."""
        end = self._seconds * _GENERATE_UNTIL - _LAST_PUNCH_BEFORE_END
        start = min(self._passed(), end)
        acts: list[tuple[float, Callable[[], None]]] = [
            (at, partial(self._punch, person))
            for at, person in arrivals(self._crew, start, end, self._rng)
        ]
        acts += [
            (self._seconds * _BROKER_DIES, self._kill_broker),
            (self._seconds * _TERMINAL_REBOOTS, self._reboot),
            (self._seconds * _BROKER_BACK, self._restart_broker),
        ]
        for guest in self._guests:
            if (due := guest.due(self._seconds)) is not None:
                acts.append((due, partial(self._let, guest)))
        return sorted(acts, key=lambda act: act[0])

    def _punch(self, person: DemoPerson) -> None:
        """Let a person punch: the terminal's file gets a line."""
        terminal = next(t for t in self._terminals if t.id == person.terminal)
        at = self._story.now().replace(tzinfo=None).isoformat(timespec="seconds")
        with terminal.attlog.open("a", encoding="utf-8") as file:
            file.write(format_line(AttlogLine(person.badge, at)) + "\n")
        self._generated += 1

    def _let(self, guest: Guest) -> None:
        self._line(guest.act())
        self._acted.append(guest)

    def _kill_broker(self) -> None:
        self._stage.kill_broker()
        self._line("! broker killed by the demo", "punches wait on disk")

    def _reboot(self) -> None:
        """Cut the lobby in the middle of the next data frame, and make it send one."""
        self._stage.signal("lobby", signal.SIGUSR1)
        self._punch(self._crew[0])
        self._line("! lobby reboots in mid-read", "its log is read again, ids decide")

    def _restart_broker(self) -> None:
        waiting = self._unacknowledged()
        began = time.monotonic()
        name = self._stage.start_broker(self._broker_port)
        self._until(lambda: self._unacknowledged() == 0, self._seconds * 0.15)
        if self._unacknowledged() == 0:
            passed = time.monotonic() - began
            words = f"{waiting} sent, acknowledged by the centre in {passed:.1f} s"
            self._line("broker back", words)
        else:
            self._line("broker back", f"{name} runs, {waiting} are on their way")

    def _unacknowledged(self) -> int:
        try:
            found = control.ask(self._folder / "gateway", "status")
        except control.NoDaemonError:
            return -1
        return int(found["outbox"]["unacknowledged"])

    def _prove(self) -> bool:
        """Wait for equality, at most the time of the demo and ten seconds."""
        deadline = self._began + self._seconds + _EXTRA_SECONDS
        found, missing = self._proof(), self._missing()
        while (missing or not found.holds) and time.monotonic() < deadline:
            self._hear()
            time.sleep(_LOOK_SECONDS)
            found, missing = self._proof(), self._missing()
        self._hear()
        self._show_equations()
        for guest in self._acted if not missing else ():
            self._row("centre", guest.proof())
        self._row("proof", found.text())
        if missing or not found.holds:
            for difference in [*found.differences(), *missing]:
                show(f"  {difference}")
            show(f"NOT OK: logs and databases are kept in {self._folder}")
            return False
        show(
            f"OK in {self._passed():.0f} s. Next: punchgate init ADDRESS (a"
            " real terminal) · README «Pi in ten lines»"
        )
        return True

    def _show_equations(self) -> None:
        """Print what the daemon counts."""
        try:
            status = control.ask(self._folder / "gateway", "status")
        except control.NoDaemonError as error:
            self._row("count", str(error))
            return
        for line in status["terminals"]:
            self._row("count", f"{line['id']}: {equation(line)}")

    def _missing(self) -> list[str]:
        """Return what of the guests' doings is not at the centre."""
        centre = self._folder / "central.db"
        found = [guest.missing(centre) for guest in self._acted]
        return [words for words in found if words]

    def _proof(self) -> proof.Proof:
        attlogs = [(terminal.serial, terminal.attlog) for terminal in self._terminals]
        centre = self._folder / "central.db"
        return proof.read(self._generated, attlogs, self._journal(), centre)

    def _journal(self) -> Path:
        return self._folder / "gateway" / "journal.db"

    def _is_past(self, seconds: float) -> bool:
        return self._ended or self._passed() >= seconds

    def _passed(self) -> float:
        return time.monotonic() - self._began

    def _until(self, true: Callable[[], bool], seconds: float) -> None:
        """Show what is heard until something is true or the time is up."""
        deadline = time.monotonic() + seconds
        while not true() and time.monotonic() < deadline:
            self._hear()
            self._stage.check()
            time.sleep(0.02)
        self._hear()

    def _hear(self) -> None:
        while not self._heard.lines.empty():
            event, values = log.parse(self._heard.lines.get())
            if event == "terminal up":
                self._heard.up.setdefault(values["terminal"], time.monotonic())
            elif event == "punch":
                self._show_punch(values)
            elif event == "verdict" and (line := self._verdicts.late(values)):
                show(line)
            for guest in self._guests:
                if line := guest.hear(event, values):
                    show(line)
        self._show_day()

    def _show_day(self) -> None:
        """Say how the day before was, as soon as everybody of it is judged."""
        now = time.monotonic()
        if self._day_told or now < self._day_looked + _DAY_LOOK_SECONDS:
            return
        self._day_looked = now
        found = proof.verdicts(self._journal(), self._day_before)
        if told := self._verdicts.day(self._day_before, found):
            self._row("day", told)
            self._day_told = True

    def _show_punch(self, values: dict[str, str]) -> None:
        badge = values["badge"]
        name = self._names.get(badge, "?")
        show(
            f"{values['at'][11:]}  punch    {values['terminal']:<13}{badge:<6}{name}"
            f"  {values['verify']}"
        )

    def _row(self, what: str, text: str, look: str = "") -> None:
        show(f"{what:<11} {text}" + (f"   {look}" if look else ""))

    def _line(self, what: str, text: str = "") -> None:
        line = f"{self._story.now():%H:%M:%S}  {what:<30} {text}".rstrip()
        show(line, strong=True)
