"""What happens to gateways (rows 9, 12, 13, 17 of docs/reliability.md)."""

import random
import signal
import time

import pytest

from tests.end_to_end.processes import COMMAND, Process, until
from tests.faults.asking import ask
from tests.faults.checker import Journal
from tests.faults.ground import Ground

pytestmark = pytest.mark.slow
SOME = 20


def test_a_gateway_that_is_killed(ground: Ground, rng: random.Random) -> None:
    """Killed while it reads, stores and sends; it goes on where its journal stands."""
    for _ in range(4):
        ground.punch(rng.randint(1, 10 * SOME), rng)
        time.sleep(rng.uniform(0, 0.7))  # the moment of the fault
        with ground.without(ground.site.daemon):
            ground.punch(rng.randint(0, SOME), rng)
    ground.settle()


def test_a_gateway_restored_from_an_old_image(
    ground: Ground, rng: random.Random
) -> None:
    """Its chain is not the centre's: it opens an epoch, and nothing doubles."""
    epochs = len(names(ground))
    ground.punch(SOME, rng)
    ground.settle()
    with ground.older_gateway():
        ground.punch(rng.randint(1, 5 * SOME), rng)
        ground.settle()
    ground.punch(rng.randint(0, SOME), rng)
    ground.settle()
    assert len(names(ground)) == epochs + 1
    *_, fork = ground.checker.said("gw-1", "epoch_fork")
    assert fork["reason"]
    assert fork["detail"]["before"] == names(ground)[-2]
    assert fork["detail"]["common"] <= fork["detail"]["head"]


def test_an_old_image_that_has_more_to_say_than_the_centre_knows(
    ground: Ground, rng: random.Random
) -> None:
    """The restored journal outgrows the centre's count before they meet again."""
    epochs = len(names(ground))
    with ground.older_gateway():
        ground.punch(SOME, rng)
        ground.settle()
        ground.broker.kill()
    ground.punch(5 * SOME, rng)
    ground.read()
    ground.broker.start()
    ground.settle()
    assert len(names(ground)) == epochs + 1


def names(ground: Ground) -> list[str]:
    """Return the streams of the gateway."""
    return [row[0] for row in ask(ground.journal.path, "SELECT name FROM epochs")]


@pytest.mark.parametrize("years", [-10, 10])
def test_a_gateway_whose_clock_is_wrong_by_ten_years(
    ground: Ground, years: int
) -> None:
    """Timers do not use that clock, and `at` is the terminal's: nothing changes."""
    story = f"{2026 + years}-11-21T08:00:00+08:00@1@{time.time()}"
    usual = ground.site.daemon
    wrong = Process(
        ["env", f"PUNCHGATE_STORY={story}", *usual.arguments],
        ground.folder / f"run{years}.log",
    )
    usual.end()
    wrong.start()
    try:
        ground.punch(SOME)
        ground.settle()
        # And back, in the middle of a backlog: NTP has found its servers.
        with ground.without_broker():
            ground.punch(SOME)
            ground.read()
            wrong.end()
            usual.start()
    finally:
        wrong.close()
    ground.punch(1)
    ground.settle()


def test_two_gateways_on_one_terminal(ground: Ground) -> None:
    """Each keeps a stream of its own and delivers all of it; a punch counts once."""
    path = ground.folder / "second.toml"
    data = ground.folder / "second"
    text = (ground.folder / "gateway.toml").read_text("utf-8")
    text = text.replace('"gw-1"', '"gw-2"').replace(f"{ground.folder}/data", str(data))
    path.write_text(text, "utf-8")
    second = Process([COMMAND, "run", "-c", str(path)], ground.folder / "second.log")
    journals = [ground.journal, Journal("gw-2", data / "journal.db")]
    both = ground.against(journals)
    second.start()
    try:
        ground.punch(5 * SOME)
        ground.read(*journals)
        ground.settle(checker=both)
        second.end(signal.SIGKILL)
        ground.punch(SOME)
        second.start()
        ground.settle(checker=both)
        until(lambda: journals[1].stream().head > 5 * SOME, "a stream of its own")
    finally:
        second.close()
