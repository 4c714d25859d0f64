"""pyzk reads the virtual terminal through the tap, over TCP and UDP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from zk import ZK
from zk.exception import ZKErrorResponse

from drivers.attlog import AttlogLine
from drivers.base import TerminalUser
from drivers.virtual import VirtualConfig
from tests.end_to_end.fleet import Fleet
from tests.foreign.tap import Tap, Transport
from tests.foreign.test_node_clients import CLOCK, ROWS, lines

pytestmark = pytest.mark.slow

KEY = 123456


def terminal(count: int, key: int = 0) -> Fleet:
    """Give a terminal with so many rows; its users are those of the log."""
    config = VirtualConfig(log=lines(count), comm_key=key, clock=lambda: CLOCK)
    return Fleet([config])


@contextmanager
def library(transport: Transport, port: int, key: int = 0) -> Iterator[Any]:
    """Give the library's client; the socket it opens and never uses is closed."""
    udp = transport == "udp"
    client = ZK("127.0.0.1", port, 20, password=key, force_udp=udp, ommit_ping=True)
    opened = client._ZK__sock
    try:
        yield client
    finally:
        opened.close()
        client._ZK__sock.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("rows", ROWS)
def test_every_field_of_every_record(transport: Transport, rows: int) -> None:
    """All fields pyzk returns are those of the terminal; every frame is right."""
    with terminal(rows) as fleet:
        one = fleet.terminals[0]
        port = one.port if transport == "tcp" else one.udp_port
        with Tap(transport, port) as tap:
            with library(transport, tap.port) as client:
                connection = client.connect()
                found = connection.get_attendance()
                assert connection.get_time().isoformat() == CLOCK.isoformat()
                connection.disconnect()
            assert tap.problems == []
        want = one.config.log
        assert [
            (one.user_id, one.timestamp.isoformat(), one.status, one.punch)
            for one in found
        ] == [(line.badge, line.at, line.verify, line.state) for line in want]
        assert one.template_requests == []


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("layout", ["16", "8a"])
@pytest.mark.parametrize("rows", [1, 26, 5_000])
def test_the_older_layouts(transport: Transport, layout: str, rows: int) -> None:
    """Records of 16 and 8 bytes, with users that have numbers."""
    badges = ("42", "1001", "123456789", "7")
    log = [
        AttlogLine(badges[n % 4], line.at, state=line.state, verify=line.verify)
        for n, line in enumerate(lines(rows))
    ]
    users = [TerminalUser(n, badge, "", 0, 0) for n, badge in enumerate(badges, 1)]
    config = VirtualConfig(log=log, users=users, layout=layout, clock=lambda: CLOCK)
    with Fleet([config]) as fleet:
        one = fleet.terminals[0]
        port = one.port if transport == "tcp" else one.udp_port
        with Tap(transport, port) as tap, library(transport, tap.port) as client:
            connection = client.connect()
            found = connection.get_attendance()
            connection.disconnect()
            assert tap.problems == []
    assert [
        (punch.user_id, punch.timestamp.isoformat(), punch.status, punch.punch)
        for punch in found
    ] == [(line.badge, line.at, line.verify, line.state) for line in log]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("key, right", [(KEY, True), (KEY + 1, False)])
def test_the_comm_key(transport: Transport, key: int, *, right: bool) -> None:
    """The right key lets pyzk in, a wrong one does not."""
    with terminal(3, KEY) as fleet:
        one = fleet.terminals[0]
        port = one.port if transport == "tcp" else one.udp_port
        with library(transport, port, key) as client:
            if right:
                connection = client.connect()
                assert len(connection.get_attendance()) == 3
                connection.disconnect()
            else:
                with pytest.raises(ZKErrorResponse, match="Unauthenticated"):
                    client.connect()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_live_punches(transport: Transport) -> None:
    """A punch reaches `live_capture`."""
    with terminal(3) as fleet:
        one = fleet.terminals[0]
        port = one.port if transport == "tcp" else one.udp_port
        with Tap(transport, port) as tap:
            with library(transport, tap.port) as client:
                connection = client.connect()
                captured = connection.live_capture(1)
                assert next(captured) is None  # registered, and a second passed
                fleet.punch(0, "1001", "2026-11-02T12:00:01")
                event = next(punch for punch in captured if punch is not None)
                assert event.user_id == "1001"
                assert event.timestamp.isoformat() == "2026-11-02T12:00:01"
                connection.end_live_capture = True
                captured.close()
                connection.disconnect()
            assert tap.problems == []
