"""The codec, measured beside its floors: records of every layout, frames on loopback.

Every figure is the CPU time of a child process of its own (getrusage), the median of
some rounds, less that of a child that prepares the same and then does nothing. Prints
a Markdown table; `--json` the figures alone.
"""

import json
import resource
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta

from zk.base import ZK

from drivers.zk.packets import Frame, FrameSplitter
from drivers.zk.payloads import block
from drivers.zk.records import LAYOUTS, encode, punches

RECORDS = 100_000
ROUNDS = 5
CHUNK = 65_472
STREAM_BYTES = RECORDS * 40 * 10
RECEIVE = 1 << 18
PYZK_READS = ("40", "16", "8a")
Figures = dict[str, float]


def main() -> None:
    """Measure everything and print it."""
    if "--child" in sys.argv:
        child(*sys.argv[-2:])
        return
    figures: Figures = {}
    for name in LAYOUTS:
        for how in ("ours", "floor", *(("pyzk",) if name in PYZK_READS else ())):
            seconds = cpu(how, name) - cpu("nothing", name)
            figures[f"{name}_{how}_us"] = seconds / RECORDS * 1e6
    for how in ("frames", "bare"):
        figures[f"{how}_cpu_s"] = cpu(how, "40")
    figures["frames_mb_per_cpu_s"] = STREAM_BYTES / 1e6 / figures["frames_cpu_s"]
    figures["frames_to_bare"] = figures["frames_cpu_s"] / figures["bare_cpu_s"]
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)


def cpu(how: str, name: str) -> float:
    """Median CPU seconds that children take for it."""
    command = [sys.executable, "-m", "benchmarks.codec", "--child", how, name]
    found = []
    for _ in range(ROUNDS):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(float(done.stdout))
    return statistics.median(found)


def child(how: str, name: str) -> None:
    """Do one thing and print the CPU seconds it took."""
    if how in {"frames", "bare"}:
        print(transfer(framed if how == "frames" else bare))
        return
    data = log(name)
    work: dict[str, Callable[[], object]] = {
        "ours": lambda: punches(LAYOUTS[name], "VT1", data, "gb18030", 0, slots()),
        "floor": lambda: list(LAYOUTS[name].form.iter_unpack(data)),
        "pyzk": lambda: theirs(name, data),
        "nothing": lambda: None,
    }
    before = used()
    result = work[how]()
    print(used() - before)
    assert how == "nothing" or len(result) == RECORDS  # type: ignore[arg-type]


def used() -> float:
    """CPU seconds of this process so far, the system's included."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def slots() -> dict[int, str]:
    """Badges of two hundred users."""
    return {slot: str(1000 + slot) for slot in range(1, 201)}


def log(name: str) -> bytes:
    """Return a log of two hundred users, a punch every 97 seconds."""
    start = datetime(2026, 1, 1)  # noqa: DTZ001 - device time
    layout = LAYOUTS[name]
    return b"".join(
        encode(
            layout,
            str(1001 + number % 200),
            (start + timedelta(seconds=97 * number)).isoformat(),
            verify=1,
            state=number % 2,
            work=0,
            slot=number % 200 + 1,
            encoding="ascii",
        )
        for number in range(RECORDS)
    )


def theirs(name: str, data: bytes) -> list[object]:
    """Let pyzk decode the same bytes: what comes from the wire is put in its hands."""

    class Fed(ZK):  # type: ignore[misc]
        def read_sizes(self) -> None:
            self.records = RECORDS

        def get_users(self) -> list[object]:
            return []

        def read_with_buffer(self, *_: int) -> tuple[bytes, int]:
            return block(data), len(data) + 4

    found: list[object] = Fed("127.0.0.1").get_attendance()
    assert LAYOUTS[name].size * RECORDS == len(data)
    return found


def transfer(receive: Callable[[socket.socket], int]) -> float:
    """CPU seconds of taking the stream from a process that sends it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        sender = subprocess.Popen([sys.executable, "-c", SENDER, str(port)])
        sock, _ = server.accept()
        with sock:
            before = used()
            taken = receive(sock)
            seconds = used() - before
        assert sender.wait() == 0
    assert taken == STREAM_BYTES
    return seconds


SENDER = """
import socket, sys
from benchmarks.codec import stream
data = stream()
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as sock:
    for _ in range(10):
        sock.sendall(data)
"""


def stream() -> bytes:
    """Return a log of 40-byte records in frames as large as a terminal sends them."""
    data = log("40")
    parts = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    return b"".join(
        Frame(1501, number, 7, part).to_tcp() for number, part in enumerate(parts)
    )


def framed(sock: socket.socket) -> int:
    """Take frames with their checksums verified."""
    splitter = FrameSplitter()
    taken = 0
    while part := sock.recv(RECEIVE):
        taken += sum(len(frame.data) for frame in splitter.feed(part))
    return taken


def bare(sock: socket.socket) -> int:
    """Take the same bytes and do nothing with them."""
    taken = 0
    while part := sock.recv(RECEIVE):
        taken += len(part)
    frames = -(-RECORDS * 40 // CHUNK) * 10
    return taken - 16 * frames


def show(figures: Figures) -> None:
    """Print the tables."""
    print("| layout | ours, µs a record | struct only | pyzk |\n|---|---|---|---|")
    for name in LAYOUTS:
        pyzk = figures.get(f"{name}_pyzk_us")
        print(
            f"| {name} | {figures[f'{name}_ours_us']:.2f} |"
            f" {figures[f'{name}_floor_us']:.2f} |"
            f" {f'{pyzk:.2f}' if pyzk is not None else '—'} |"
        )
    print(
        f"\nframes and checksums: {figures['frames_mb_per_cpu_s']:.0f} MB per CPU"
        f" second, {figures['frames_to_bare']:.2f} × a bare loop of recv"
    )


if __name__ == "__main__":
    main()
