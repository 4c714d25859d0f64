"""What an administrator does to a terminal: voice, restart, clock. Asked for, told.

Each change is told before the terminal hears of it and again with what came of it. The
order itself goes through pyzk; whether the right terminal answers is looked at first.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from drivers.base import TerminalError
from drivers.pyzk_care import PyzkCare
from gateway.control import LeaseLostError
from gateway.handwork import Deed
from gateway.people_apply import Place

Tell = Callable[[Deed], Awaitable[None]]

_GOES_DOWN_SECONDS = 20.0
_LOOK_SECONDS = 0.5


class CareError(Exception):
    """It was not done, or not to the end; why is in the words."""


@asynccontextmanager
async def tended(place: Place) -> AsyncIterator[PyzkCare]:
    """Have a session with the very terminal that the book means.

    Raises:
        CareError: another one answers, none does, or it drops out.
    """
    terminal = PyzkCare(place.address)
    try:
        serial = await terminal.open()
        if serial != place.serial:
            raise CareError(
                f"{place.terminal}: serial {serial} answers, the book says"
                f" {place.serial}"
            )
        yield terminal
    except TerminalError as error:
        raise CareError(f"{place.terminal}: {error}") from error
    finally:
        await terminal.close()


@asynccontextmanager
async def told(tell: Tell, what: str, before: str) -> AsyncIterator[list[str]]:
    """Tell that a change begins, and how it ended; what is put into the list is after.

    A change that fails is told as failed, and the error goes on.
    """
    after: list[str] = []
    await tell(Deed(f"{what} begun", before, "not known yet"))
    try:
        yield after
    except (CareError, LeaseLostError) as error:
        await tell(Deed(f"{what} failed", before, str(error)))
        raise
    await tell(Deed(f"{what} done", before, "; ".join(after)))


async def voice(place: Place, index: int) -> bool:
    """Let a terminal speak, for whoever looks for it; return whether it could.

    Raises:
        CareError: no session.
    """
    with place.held():
        async with tended(place) as terminal:
            return await terminal.voice(index)


async def set_clock(
    place: Place, tell: Tell, wanted: Callable[[], datetime]
) -> tuple[str, str]:
    """Set a terminal's clock to a local time; return what it showed before and after.

    `wanted` gives the terminal's local time, zone-less, at the moment it is asked.

    Raises:
        CareError: it refuses, or shows another time afterwards.
    """
    with place.held():
        async with tended(place) as terminal:
            before = await terminal.clock()
            ours = f"{wanted():%Y-%m-%dT%H:%M:%S}"
            async with told(tell, "clock set", f"{before} where {ours} was") as after:
                try:
                    await terminal.set_clock(wanted().replace(microsecond=0))
                    shown = await terminal.clock()
                except TerminalError as error:
                    raise CareError(f"{place.terminal}: {error}") from error
                after.append(shown)
            return before, shown


async def restart(place: Place, tell: Tell, seconds: float) -> float:
    """Let a terminal restart, and wait until it is back; return how long it took.

    Raises:
        CareError: it refuses, or it is not back within `seconds`.
    """
    with place.held() as renew:
        async with tended(place) as terminal:
            before = await _standing(terminal)
            async with told(tell, "restart", before) as after:
                began = time.monotonic()
                try:
                    await terminal.restart()
                except TerminalError as error:
                    raise CareError(f"{place.terminal}: {error}") from error
                await _gone(terminal)
                found = await _back(place, began + seconds, renew)
                passed = time.monotonic() - began
                after.append(f"{found}, back after {passed:.0f} s")
            return passed


async def _standing(terminal: PyzkCare) -> str:
    counts, clock = await terminal.counts(), await terminal.clock()
    return f"{counts.records} records, {counts.users} users, clock {clock}"


async def _gone(terminal: PyzkCare) -> None:
    """Wait until it hangs up, so that nobody takes the old session for the new one."""
    deadline = time.monotonic() + _GOES_DOWN_SECONDS
    try:
        while (left := deadline - time.monotonic()) > 0:
            await terminal.wait(left)
    except TerminalError:
        return


async def _back(place: Place, deadline: float, renew: Callable[[], None] | None) -> str:
    """Try until it answers again; return its standing.

    Raises:
        CareError: it does not in time, or another terminal does.
    """
    reason = ""
    while time.monotonic() < deadline:
        if renew is not None:
            renew()
        try:
            async with asyncio.timeout_at(_loop_time(deadline)), tended(place) as there:
                return await _standing(there)
        except CareError as error:
            if not isinstance(error.__cause__, TerminalError):
                raise
            reason = f" ({error})"
        except TimeoutError:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    raise CareError(f"{place.terminal} did not come back after its restart{reason}")


def _loop_time(deadline: float) -> float:
    """Return a moment of `time.monotonic` by the loop's clock."""
    return asyncio.get_running_loop().time() + deadline - time.monotonic()
