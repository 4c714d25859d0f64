"""The stages before a session: name, route, TCP, and whether it is a ZK terminal."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from drivers.base import Address
from gateway.doctor.checks import Check, Stage, failed, passed
from gateway.holders import holder
from gateway.probe import TERMINALS, Answer, Found, who

_STAGES = (Stage.NAME, Stage.ROUTE, Stage.TCP, Stage.ZK)
_FAILS_AT = {
    Answer.UNKNOWN_NAME: Stage.NAME,
    Answer.NO_ROUTE: Stage.ROUTE,
    Answer.NO_ANSWER: Stage.ROUTE,
    Answer.REFUSED: Stage.TCP,
}
_DO = {
    Answer.UNKNOWN_NAME: (
        "correct host of this terminal in gateway.toml; the address from the"
        " terminal's network menu always works"
    ),
    Answer.NO_ROUTE: (
        "compare the terminal's address and mask (its network menu) with this"
        " machine's (ip route): both must be in one network or have a gateway"
    ),
    Answer.NO_ANSWER: (
        "see whether the terminal is on, its cable lights, and its network menu shows"
        " this address; then look for a firewall between"
    ),
    Answer.REFUSED: (
        "compare port with the terminal's communication menu (4370 is usual), and see"
        " that this address is not another machine's"
    ),
    Answer.SILENT: (
        "end other programs that hold the terminal (it may take one client only), or"
        " restart the terminal; then try again"
    ),
    Answer.CLOSED: (
        "end other programs that hold the terminal (it may take one client only), or"
        " restart the terminal; then try again"
    ),
    Answer.OTHER: "correct host and port: this is another machine or another service",
    Answer.PANEL: "this gateway cannot read access panels; name an attendance terminal",
    Answer.SECURE: (
        "change the terminal's connection mode to the one without encryption, or let"
        " it push to an ADMS server"
    ),
}

_MAYBE_HELD = frozenset(
    {Answer.SILENT, Answer.CLOSED, Answer.REFUSED, Answer.NO_ANSWER}
)


async def reach(address: Address) -> list[Check]:
    """Return the checks of the four stages, ending at the first failure."""
    found = await who(address)
    do = _DO.get(found.answer, "")
    if (
        found.answer in {Answer.NO_ANSWER, Answer.REFUSED}
        and address.transport == "tcp"
    ):
        other = await who(replace(address, transport="udp"))
        if other.answer in TERMINALS:
            do = 'a terminal answers there over UDP: write transport = "udp" for it'
    if found.answer in _MAYBE_HELD:
        has_it = await asyncio.to_thread(holder, address.host, address.port)
        if has_it is not None:
            found = replace(found, words=f"{found.words}; {has_it.who}")
    return list(_checks(address, found, do))


def _checks(address: Address, found: Found, do: str) -> Iterator[Check]:
    where = f"{address.host}:{address.port}"
    well = {
        Stage.NAME: f"{address.host} is an address",
        Stage.ROUTE: "there is a way to it",
        Stage.TCP: f"{where} takes connections",
        Stage.ZK: found.words,
    }
    wrong = {
        Stage.NAME: f"the name {address.host} is unknown: {found.words}",
        Stage.ROUTE: f"nothing answers at {where}: {found.words}",
        Stage.TCP: f"nobody listens at {where}: {found.words}",
        Stage.ZK: found.words,
    }
    if address.transport == "udp":
        well[Stage.TCP] = "not used: this terminal is asked over UDP"
    fails_at = _FAILS_AT.get(found.answer, Stage.ZK)
    for stage in _STAGES:
        if stage is fails_at and found.answer not in TERMINALS:
            yield failed(stage, wrong[stage], do)
            return
        yield passed(stage, well[stage])
