"""Frames over TCP and UDP: cut, glued, damaged, ended, refused; every wait ends."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable

import pytest

from drivers.base import ProtocolError, SilentError, TerminalError
from drivers.zk.packets import Frame
from drivers.zk.transport import Link, TcpLink, UdpLink, connect
from tests.drivers.fault_link import at

FRAMES = [Frame(2000, 7, number, b"x" * number) for number in range(4)]
STREAM = b"".join(frame.to_tcp() for frame in FRAMES)

Work = Callable[[Link, asyncio.StreamWriter], Awaitable[None]]


def over_tcp(work: Work, transport: str = "tcp") -> None:
    """Run one link with the far end in hand."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        far: asyncio.Future[asyncio.StreamWriter] = loop.create_future()
        server = await asyncio.start_server(
            lambda _, writer: far.set_result(writer), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        link = await connect(at(port, transport=transport))
        writer = await far
        async with asyncio.timeout(10):
            await work(link, writer)
        link.close()
        link.close()
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        server.close()

    asyncio.run(run())


async def drip(writer: asyncio.StreamWriter, pieces: Iterable[bytes]) -> None:
    """Send pieces that arrive one by one."""
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_stream_cut_anywhere(cut: int) -> None:
    """Every frame comes whole, wherever its bytes were parted."""

    async def work(link: Link, far: asyncio.StreamWriter) -> None:
        await drip(far, [STREAM[:cut], STREAM[cut:]])
        assert [await link.receive(2) for _ in FRAMES] == FRAMES
        assert not link.lossy

    over_tcp(work)


def test_a_stream_of_single_bytes_and_one_glued() -> None:
    """One byte at a time, then all at once."""

    async def work(link: Link, far: asyncio.StreamWriter) -> None:
        await drip(far, [STREAM[at : at + 1] for at in range(len(STREAM))])
        far.write(STREAM)
        assert [await link.receive(2) for _ in FRAMES * 2] == FRAMES * 2

    over_tcp(work)


@pytest.mark.parametrize(
    "bad, words",
    [
        (b"HTTP/1.1 400\r\n", "not a ZK terminal"),
        (b"\x50\x50\x83\x7c" + bytes(12), "secure firmware"),
        (b"\xaa\x01" + bytes(12), "access panel"),
        (b"\x50\x50\x82\x7d\x03\0\0\0", "3 bytes long"),
        (b"\x50\x50\x82\x7d\xff\xff\xff\xff", "4294967295 bytes long"),
        (FRAMES[0].to_tcp()[:-1] + b"\xff", "wrong checksum"),
    ],
)
def test_good_frames_before_bad_bytes(bad: bytes, words: str) -> None:
    """They are handed out first; then the refusal, again and again."""

    async def work(link: Link, far: asyncio.StreamWriter) -> None:
        far.write(STREAM + bad)
        assert [await link.receive(2) for _ in FRAMES] == FRAMES
        for _ in range(2):
            with pytest.raises(ProtocolError, match=words):
                await link.receive(2)
        with pytest.raises(ProtocolError, match=words):
            link.send(FRAMES[0])

    over_tcp(work)


@pytest.mark.parametrize(
    "sent, words",
    [
        (b"", "the terminal closed the connection$"),
        (STREAM[:3], "closed the connection in the middle of an answer$"),
        (FRAMES[1].to_tcp()[:-1], "in the middle of an answer$"),
    ],
)
def test_an_end_says_where_it_came(sent: bytes, words: str) -> None:
    """Between frames, or inside one."""

    async def work(link: Link, far: asyncio.StreamWriter) -> None:
        far.write(sent)
        far.write_eof()
        with pytest.raises(TerminalError, match=words):
            await link.receive(2)

    over_tcp(work)


def test_a_reset_says_so() -> None:
    """The system's own words stand in the error."""

    async def work(link: Link, far: asyncio.StreamWriter) -> None:
        sock = far.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        far.transport.abort()
        with pytest.raises(TerminalError, match="the connection broke: Connection res"):
            await link.receive(2)

    over_tcp(work)


def test_every_wait_ends() -> None:
    """Nothing for so long; or bytes that drip and never make a frame."""

    async def work(link: Link, far: asyncio.StreamWriter) -> None:
        with pytest.raises(SilentError, match=r"nothing came for 0\.05 s"):
            await link.receive(0.05)
        long = Frame(2000, 0, 0, bytes(4096)).to_tcp()

        async def slowly() -> None:
            for at_byte in range(len(long)):
                far.write(long[at_byte : at_byte + 1])
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(slowly())
        begun = asyncio.get_running_loop().time()
        with pytest.raises(SilentError):
            await link.receive(0.1)
        assert asyncio.get_running_loop().time() - begun < 2
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)

    over_tcp(work)


def test_what_goes_out_arrives() -> None:
    """A frame is sent behind its TCP prefix, or bare in a datagram."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for transport, kind in (("tcp", TcpLink), ("udp", UdpLink)):
            stream = transport == "tcp"
            sock = socket.socket(
                type=socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
            )
            with sock:
                sock.bind(("127.0.0.1", 0))
                sock.setblocking(False)
                if stream:
                    sock.listen()
                port = sock.getsockname()[1]
                link = await connect(at(port, transport=transport))
                assert isinstance(link, kind)
                frame = FRAMES[3]
                link.send(frame)
                if stream:
                    far, _ = await loop.sock_accept(sock)
                    far.setblocking(False)
                    with far:
                        assert await loop.sock_recv(far, 99) == frame.to_tcp()
                else:
                    assert await loop.sock_recv(sock, 99) == frame.to_bytes()
                link.close()

    asyncio.run(run())


def test_a_damaged_datagram_is_as_if_lost() -> None:
    """Short ones, cut ones, and one with a flipped bit; the sound one comes."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
            link = await connect(at(sock.getsockname()[1], transport="udp"))
            assert link.lossy
            link.send(FRAMES[0])
            _, client = await loop.sock_recvfrom(sock, 99)
            sound = FRAMES[3].to_bytes()
            flipped = bytes((sound[0] ^ 1, *sound[1:]))
            stranger = socket.socket(type=socket.SOCK_DGRAM)
            with stranger:  # not the terminal: the system keeps it out
                stranger.sendto(FRAMES[2].to_bytes(), client)
            for data in (b"", sound[:5], sound[:-1], flipped, sound):
                sock.sendto(data, client)
            assert await link.receive(2) == FRAMES[3]
            with pytest.raises(SilentError):
                await link.receive(0.05)
            link.close()
            link.close()

    asyncio.run(run())


def free_port(kind: socket.SocketKind) -> int:
    """Return a port where nobody listens."""
    with socket.socket(type=kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_nobody_listens() -> None:
    """Both ways say so in the system's words and at once."""

    async def run() -> None:
        port = free_port(socket.SOCK_STREAM)
        with pytest.raises(TerminalError, match=f"127.0.0.1:{port}: Connection refu"):
            await connect(at(port))
        port = free_port(socket.SOCK_DGRAM)
        link = await connect(at(port, transport="udp"))
        link.send(FRAMES[0])
        with pytest.raises(TerminalError, match="is not there: Connection refused"):
            await link.receive(5)
        with pytest.raises(TerminalError, match="is not there"):
            link.send(FRAMES[0])
        link.close()

    asyncio.run(run())


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    "host, port", [("a..b", 4370), ("x" * 70, 4370), ("a\0b", 4370), ("::1", 70000)]
)
def test_an_address_that_is_none(host: str, port: int, transport: str) -> None:
    """Python refuses some before the system sees them; the error is the driver's."""

    async def run() -> None:
        with pytest.raises(TerminalError, match="no connection to"):
            await connect(at(port, host=host, transport=transport, timeout_seconds=5))

    asyncio.run(run())


def test_a_name_nobody_knows() -> None:
    """The resolver's words, or silence where it is slow."""

    async def run() -> None:
        with pytest.raises(TerminalError, match=r"no connection to nowhere\.invalid"):
            await connect(at(4370, host="nowhere.invalid", timeout_seconds=5))

    asyncio.run(run())


def test_a_connection_nobody_accepts_in_time() -> None:
    """A full backlog answers no SYN: the connection has its deadline too."""

    async def run() -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen(0)
            address = at(sock.getsockname()[1], timeout_seconds=0.2)
            links: list[Link] = []

            async def fill() -> None:
                while len(links) < 8:
                    links.append(await connect(address))

            with pytest.raises(SilentError, match=r"no connection to .* within 0.2 s"):
                await fill()
            for link in links:
                link.close()

    asyncio.run(run())


def test_links_without_a_way_out_send_nothing() -> None:
    """Before a connection is made there is nothing to send over or to close."""
    for link in (TcpLink(), UdpLink()):
        link.send(FRAMES[0])
        link.close()
