"""Terminals nobody gave a serial: taken for what they say, and for nobody else."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.book import read_book
from gateway.doctor import broker
from gateway.doctor.broker import Way
from gateway.doctor.checks import Stage
from gateway.poller import Poller, WrongTerminalError
from gateway.terminal_task import TerminalTask
from gateway.terminals import spec_of
from tests.builders import BOOK, NOW, SERIAL, STAMP
from tests.gateway.pollers import Gateway, gateway
from tests.gateway.site_books import site_book
from tests.gateway.test_central_book import kept, load_following


def unpinned(site: Gateway, claims: list[str], owner: str | None) -> Poller:
    """Give the site a poller whose terminal has no serial by book and settings."""

    def claim(serial: str) -> str | None:
        claims.append(serial)
        return owner

    site.poller = Poller(
        replace(site.poller.spec, serial=""),
        site.intake,
        lambda: NOW,
        distrust=False,
        whole_reads=asyncio.Semaphore(2),
        progress=lambda: None,
        claim=claim,
    )
    site.task = TerminalTask(site.poller, site.intake, lambda: None)
    return site.poller


def test_it_is_taken_for_what_it_says() -> None:
    """Its log is read, its cursor kept, and from then on it is that one."""

    async def main() -> None:
        async with gateway() as site:
            await site.poll([1, 2])
            claims: list[str] = []
            poller = unpinned(site, claims, None)
            await site.poll([1, 2, 3])
            assert (poller.spec.serial, claims) == (SERIAL, [SERIAL])
            assert await site.stored() == [1, 2, 3]
            assert site.terminal.asked[-1] > 0  # the cursor of that serial was found
            site.terminal.serial = "OTHER"
            with pytest.raises(WrongTerminalError, match="serial OTHER answers"):
                await site.poll([1, 2, 3, 4])
            assert claims == [SERIAL]

    asyncio.run(main())


def test_one_serial_is_never_two_terminals() -> None:
    """Two addresses of one terminal: the second is refused in words."""

    async def main() -> None:
        async with gateway() as site:
            unpinned(site, [], "hall")
            with pytest.raises(WrongTerminalError, match=f"{SERIAL} is terminal hall"):
                await site.poll([1])
            assert await site.stored() == []

    asyncio.run(main())


def test_a_terminal_that_was_heard_goes_on_undisturbed(tmp_path: Path) -> None:
    """What runs is what is wanted, also when a book comes that says the same."""
    loaded = load_following(tmp_path)
    (terminal,) = loaded.settings.terminals
    assert spec_of(loaded, terminal).serial == ""
    assert loaded.claim("lobby", SERIAL) is None
    heard = spec_of(loaded, terminal)
    found, _ = read_book(BOOK, "book.toml")
    assert found is not None
    assert spec_of(replace(loaded, book=found), terminal) == heard


def test_the_doctor_says_which_book_is_in_force(tmp_path: Path) -> None:
    """None yet is a failure with something to do; one is told with its date."""
    way = Way(load_following(tmp_path), None, lambda: NOW)
    check = broker._book(way)
    assert (check.stage, check.passed) == (Stage.BOOK, False)
    assert "att/v1/hq/gw-1/book" in check.do
    kept(tmp_path, site_book())
    check = broker._book(Way(load_following(tmp_path), None, lambda: NOW))
    assert check.passed
    assert check.words == f"book from the centre, version 1, received {STAMP}"
