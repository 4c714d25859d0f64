"""`punchgate terminal calibrate`: which verify code is which credential, here.

The same number means different things on different terminals (proxy-detection.md 2).
An administrator punches once with each credential; the log tells the code. Nothing is
written to the terminal, and templates are never asked for.
"""

import asyncio
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from drivers.base import RawPunch, Terminal
from gateway.cli.app import (
    PROBLEM,
    USAGE,
    ConfigOption,
    JsonOption,
    fail,
    say,
    show_json,
)
from gateway.cli.target import target
from gateway.cli.terminal import (
    DriverOption,
    Key,
    Udp,
    Where,
    address_of,
    ask_terminal,
    terminal_app,
)
from gateway.core.values import VerifyMode
from gateway.settings import DriverName

_USUAL = (
    VerifyMode.FINGER,
    VerifyMode.CARD,
    VerifyMode.PASSWORD,
    VerifyMode.FACE,
    VerifyMode.PALM,
)
_SKIP = "s"
_LOOKS = 20
_PAUSE_SECONDS = 0.5


@terminal_app.command()
def calibrate(
    where: Where,
    credential: Annotated[
        list[str] | None,
        typer.Option(
            "--credential",
            metavar="WORD",
            help="Only these, such as finger or card; repeatable.",
        ),
    ] = None,
    key: Key = 0,
    udp: Udp = False,
    driver: DriverOption = DriverName.ZK,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Punch once with each credential; prints the `verify_codes` line to paste."""
    wanted = _wanted(credential)

    async def question(terminal: Terminal) -> dict[VerifyMode, int]:
        return await _learn(terminal, wanted)

    said = ask_terminal(
        driver, target(where, config, address_of(key, udp=udp)), question
    )
    codes, twice = _told(said.answer)
    if as_json:
        show_json({"verify_codes": codes, "unclear": twice})
    else:
        _show(codes, twice)
    if twice or not codes:
        raise typer.Exit(PROBLEM)
    said.end()


def _wanted(said: list[str] | None) -> tuple[VerifyMode, ...]:
    known = [mode.value for mode in _USUAL]
    if said and (strange := [one for one in said if one not in known]):
        fail(
            f"no credential is called {strange[0]!r}; there are: {', '.join(known)}",
            USAGE,
        )
    return tuple(VerifyMode(one) for one in dict.fromkeys(said or known))


async def _learn(
    terminal: Terminal, wanted: tuple[VerifyMode, ...]
) -> dict[VerifyMode, int]:
    """Ask for one punch after the other; return the code of each that came."""
    start = (await terminal.counts()).records
    found: dict[VerifyMode, int] = {}
    for mode in wanted:
        answer = await asyncio.to_thread(
            typer.prompt,
            f"punch once with: {mode.value}; then Enter ({_SKIP}: there is none)",
            default="",
            show_default=False,
            err=True,
        )
        if answer.strip().lower() == _SKIP:
            continue
        new = await _new(terminal, start)
        if not new:
            _note(f"{mode.value}: no new record came; left out")
            continue
        start += len(new)
        found[mode] = new[-1].verify
        said = f"{mode.value}: code {new[-1].verify}, badge {new[-1].badge}"
        _note(said if len(new) == 1 else f"{said} (the last of {len(new)} records)")
    return found


def _note(text: str) -> None:
    """Say beside the answer what happened: `--json` stays alone on its output."""
    sys.stderr.write(text + "\n")


async def _new(terminal: Terminal, start: int) -> list[RawPunch]:
    """Return what stands behind `start`; a record may come a moment late."""
    for _ in range(_LOOKS):
        if (await terminal.counts()).records > start:
            pieces = [piece async for piece in terminal.read(start)]
            return [one for piece in pieces for one in piece if one.position >= start]
        await asyncio.sleep(_PAUSE_SECONDS)
    return []


def _told(found: Mapping[VerifyMode, int]) -> tuple[dict[str, str], list[int]]:
    """Return code → word, and the codes that two credentials share.

    Such a code proves nothing, and stays unknown.
    """
    seen = list(found.values())
    twice = sorted({code for code in seen if seen.count(code) > 1})
    codes = {str(code): mode.value for mode, code in found.items() if code not in twice}
    return codes, twice


def _show(codes: Mapping[str, str], twice: list[int]) -> None:
    for code in twice:
        say(f"code {code} came for more than one credential: it proves nothing")
    if codes:
        line = ", ".join(f'{code} = "{word}"' for code, word in codes.items())
        say("paste below this terminal in gateway.toml, then reload:")
        say(f"verify_codes = {{ {line} }}")
