"""The duty desk: frames at full speed under load, an idle reader, a plan of users.

Run by `make bench`. The pretended card reader and the virtual terminal are processes of
their own; what is counted is the CPU of this process (getrusage), and of the command
`people plan` as a child with all it starts. `--json` prints the figures alone, and the
exit code says whether a target was missed.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.reading import terminal
from drivers.serial_reader.frames import CardText, Em4100Frames, em4100_frame
from drivers.serial_reader.reader import Down, Port, Presented, SerialReader, Up

BAUD = 115_200
FRAME_BITS = 140  # 14 bytes of 8N1
FLOOD_SECONDS = 10
IDLE_SECONDS = 20
USERS = 3_000
SERIAL = "VT00000001"
_CARD = em4100_frame(bytes.fromhex("010063e9ae"))
_LAST = em4100_frame(bytes.fromhex("100086f444"))
_PUNCHGATE = Path(sys.executable).with_name("punchgate")
Figures = dict[str, float]
TARGETS = {"frames_lost": 0, "idle_percent": 1.0, "plan_seconds": 5.0}


def main() -> None:
    """Measure everything and print it."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with card_reader(folder / "reader") as child:
            figures |= asyncio.run(serial(folder / "reader", child))
        figures |= plan(folder)
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)
    missed = [name for name, most in TARGETS.items() if figures[name] > most]
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


@contextmanager
def card_reader(link: Path) -> Iterator["subprocess.Popen[str]"]:
    """Give a pretended card reader whose port is `link`."""
    command = [sys.executable, "-m", "drivers.virtual.card_reader", str(link)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        if child.stdout is None or child.stdout.readline() != "ready\n":
            raise RuntimeError("no pretended card reader")
        yield child


def told(child: "subprocess.Popen[str]", words: str) -> str:
    """Tell the pretended reader something; return its answer."""
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("no pretended card reader")
    child.stdin.write(words + "\n")
    child.stdin.flush()
    return child.stdout.readline().strip()


def cpu() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def serial(link: Path, child: "subprocess.Popen[str]") -> Figures:
    """Measure a reader: idle, then as many frames as the line carries, under load."""
    port = Port(str(link), BAUD, 0.0)
    reader = SerialReader(port, Em4100Frames(CardText.HEX))
    reader.start()
    try:
        while not any(isinstance(one, Up) for one in await reader.events()):
            pass
        idle = await quiet()
        figures = await flood(reader, child)
    finally:
        await reader.close()
    return {"idle_percent": idle * 100, **figures}


async def quiet() -> float:
    """Return the share of a core that an open reader takes without cards."""
    before, began = cpu(), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    return (cpu() - before) / (time.monotonic() - began)


async def flood(reader: SerialReader, child: "subprocess.Popen[str]") -> Figures:
    """Send what the line carries while loop and interpreter are kept busy.

    Raises:
        RuntimeError: the pretended reader lost bytes itself, or the port went away.
    """
    frames = BAUD * FLOOD_SECONDS // FRAME_BITS
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            sum(range(10_000))

    burner = threading.Thread(target=burn)
    burner.start()
    words = f"flood {frames} {FLOOD_SECONDS} {_CARD.hex()}"
    flooding = asyncio.create_task(asyncio.to_thread(told, child, words))
    try:
        while not flooding.done():
            time.sleep(0.2)  # noqa: ASYNC251 - holding the loop is the load
            await asyncio.sleep(0)
    finally:
        stop.set()
        burner.join()
    if await flooding != "lost 0":
        raise RuntimeError(f"the pretended reader {flooding.result()}")
    await asyncio.to_thread(told, child, f"send {_LAST.hex()}")
    last = ""
    while last != "100086F444":
        events = await reader.events()
        if any(isinstance(one, Down) for one in events):
            raise RuntimeError("the port went away")
        cards = [one.card.badge for one in events if isinstance(one, Presented)]
        last = cards[-1] if cards else last
    return {"frames": frames, "frames_lost": frames + 1 - reader.tally.cards}


def plan(folder: Path) -> Figures:
    """Measure `people plan` for a full terminal: a tenth new, a tenth renamed."""
    with terminal(folder, 100, USERS) as port:
        gateway = site(folder, port)
        command = [str(_PUNCHGATE), "people", "plan", "--json", "-c", str(gateway)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, check=True)
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    (planned,) = json.loads(done.stdout)["terminals"]
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "users": USERS,
        "changes": len(planned["changes"]),
        "plan_seconds": used,
        "plan_wall_seconds": wall,
    }


def site(folder: Path, port: int) -> Path:
    """Write book and settings of the terminal's site; return the settings."""
    book = 'version = "1"\n[site]\nid = "hq"\n[[terminals]]\nid = "lobby"\n'
    book += f'serial = "{SERIAL}"\n'
    for number in range(1, USERS + USERS // 10 + 1):
        name = f"甲{number}" if number % 10 else f"乙{number}"
        book += f'[[people]]\nid = "p{number}"\nname = "{name}"\n'
        book += f'[[enrolments]]\nperson = "p{number}"\nbadge = "{1000 + number}"\n'
    (folder / "book.toml").write_text(book, "utf-8")
    (folder / "gateway.toml").write_text(
        f'[gateway]\nid = "g"\nsite = "hq"\ndata_dir = "{folder}/data"\n'
        'book = "book.toml"\n[mqtt]\nhost = "127.0.0.1"\n[[terminals]]\n'
        f'id = "lobby"\nhost = "127.0.0.1"\nport = {port}\n',
        "utf-8",
    )
    return folder / "gateway.toml"


def show(figures: Figures) -> None:
    """Print a Markdown table."""
    print("| desk | measured | target |\n|---|---|---|")
    print(
        f"| frames lost of {figures['frames']:,.0f} at {BAUD:,} baud, loop and"
        f" interpreter busy | {figures['frames_lost']:.0f} | 0 |"
    )
    print(
        f"| an open reader without cards, of one core |"
        f" {figures['idle_percent']:.2f} % | ≤ 1 % |"
    )
    print(
        f"| `people plan`, {USERS:,} users on the terminal,"
        f" {figures['changes']:.0f} changes, CPU |"
        f" {figures['plan_seconds']:.2f} s | ≤ 5 s |"
    )
    print(f"| the same, wall | {figures['plan_wall_seconds']:.2f} s | - |")


if __name__ == "__main__":
    main()
