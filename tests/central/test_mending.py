"""Holes are asked for, what is gone is closed, counts are compared and answered."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Mosquitto
from tests.central.collectors import Centre
from tests.central.hand_gateways import HandGateway, day_counts, hand_gateway
from tests.sync.memory_outbox import MemoryOutbox, punch

pytestmark = pytest.mark.mosquitto
QUICK = 0.3
SHA_NOTHING = hashlib.sha256(b"").hexdigest()


def rows(folder: Path, sql: str) -> list[Any]:
    """Ask the file past our own code."""
    conn = sqlite3.connect(folder / "central.db")
    found = [row if len(row) > 1 else row[0] for row in conn.execute(sql)]
    conn.close()
    return found


def said(caplog: pytest.LogCaptureFixture, event: str) -> list[Any]:
    """Return the values of log lines of one event."""
    return [record.args for record in caplog.records if record.msg == event]


def digest(numbers: range) -> tuple[int, str]:
    """Return the figure of punches, computed here."""
    ids = sorted(punch(1, n).id for n in numbers)
    lines = "".join(f"{item}\n" for item in ids)
    return len(ids), hashlib.sha256(lines.encode()).hexdigest()


def with_hole(gateway: HandGateway) -> None:
    """Send 1-10 and 21-30 of thirty entries."""
    gateway.outbox.add_punches(range(30))
    gateway.send_all(1, 10)
    gateway.send_all(21, 30)
    gateway.wait(lambda: gateway.acks[-1].missing == [(11, 20)])


def test_a_hole_that_stands_is_asked_for(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By command, with epoch and ranges; what then comes closes it."""
    with (
        Centre(broker.port, tmp_path, QUICK),
        hand_gateway(broker.port) as gateway,
    ):
        with_hole(gateway)
        command = gateway.wait_command()
        assert (command.op, command.epoch) == ("resend", "g1-epoch")
        assert command.ranges == [(11, 20)]
        gateway.reply(command, (11, 20, "sent"))
        gateway.send_all(11, 20)
        assert gateway.wait_upto(30).chain == gateway.outbox.rows[-1].hash
    (line,) = said(caplog, "central holes")
    assert (line["ranges"], line["entries"], line["asks"]) == (1, 10, 1)
    assert rows(tmp_path, "SELECT * FROM closed") == []


def test_a_hole_of_a_former_epoch_is_asked_for_after_a_restart(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """The store alone knows of it; no gateway speaks of that epoch any more.

    The last word on the topic is that of the epoch the gateway lives in.
    """
    with hand_gateway(broker.port, greet=False) as gateway:
        with Centre(broker.port, tmp_path, 60.0):
            gateway.greet()
            with_hole(gateway)
        old, gateway.outbox = gateway.outbox, MemoryOutbox("g1-later")
        gateway.outbox.add_punches(range(100, 110))
        with Centre(broker.port, tmp_path, QUICK):
            gateway.greet()
            command = gateway.wait_command()
            assert (command.epoch, command.ranges) == ("g1-epoch", [(11, 20)])
            gateway.send_all()
            gateway.wait_upto(10)
            new, gateway.outbox = gateway.outbox, old
            gateway.send_all(11, 20)
            gateway.wait_upto(30)
            gateway.outbox = new
    assert len(rows(tmp_path, "SELECT id FROM punches")) == 40


def test_what_is_gone_is_closed_and_the_stream_goes_on(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Pruned and never existing ranges are booked; the answer told twice is one.

    Closed for good: a restart knows it, and pruned is an error somebody must see.
    """
    with hand_gateway(broker.port, greet=False) as gateway:
        with Centre(broker.port, tmp_path, QUICK):
            gateway.greet()
            with_hole(gateway)
            command = gateway.wait_command()
            fates = [(11, 13, "pruned"), (14, 18, "sent"), (19, 20, "never_existed")]
            for _ in "12":
                gateway.reply(command, *fates)
            ack = gateway.wait_upto(13)
            assert (ack.chain, ack.missing) == (None, [(14, 18)])
            gateway.send_all(14, 18)
            gateway.wait_upto(30)
        with Centre(broker.port, tmp_path, QUICK):
            gateway.greet()
            gateway.wait_upto(30)
    asked = "SELECT first, last, fate FROM closed ORDER BY first"
    assert rows(tmp_path, asked) == [(11, 13, "pruned"), (19, 20, "never_existed")]
    assert rows(tmp_path, "SELECT * FROM quarantine") == []
    (pruned,), (unused,) = (
        said(caplog, "central pruned"),
        said(caplog, "central unused"),
    )
    assert (pruned["first"], pruned["last"]) == (11, 13)
    assert (unused["first"], unused["last"]) == (19, 20)


@pytest.mark.unwatched("its strangers talk nonsense")
def test_answers_of_strangers_are_put_aside(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Garbage, and answers nobody asked for, close nothing and are kept."""
    with (
        Centre(broker.port, tmp_path, QUICK),
        hand_gateway(broker.port) as gateway,
        hand_gateway(broker.port, "g2") as thief,
    ):
        with_hole(gateway)
        command = gateway.wait_command()
        thief.reply(command, (11, 20, "pruned"))
        thief.reply(command, (11, 20, "pruned"), gateway="g1")
        gateway.reply(command, (1, 20, "pruned"), id="made-up")
        gateway.reply(command, (1, 30, "pruned"))
        gateway.publish("cmd/reply", b"\xff")
        gateway.reply(command, result="refused", reason="no room")
        gateway.send_all(11, 20)
        gateway.wait_upto(30)
    reasons = rows(tmp_path, "SELECT reason FROM quarantine ORDER BY id")
    assert reasons == ["stranger", "ids", "stranger", "stranger", "unreadable"]
    assert rows(tmp_path, "SELECT * FROM closed") == []
    (line,) = said(caplog, "central unheeded")
    assert (line["gateway"], line["result"], line["reason"]) == (
        "g1",
        "refused",
        "no room",
    )


def test_counts_are_compared_when_everything_below_is_there(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not while a hole stands; then alike, and answered with no days."""
    caplog.set_level("INFO", "punchgate")
    with (
        Centre(broker.port, tmp_path, 60.0),
        hand_gateway(broker.port) as gateway,
    ):
        gateway.outbox.add_punches(range(30))
        day_counts(gateway.outbox, {"2026-11-01": digest(range(30))})
        gateway.outbox.add_punches(range(30, 40))
        gateway.send_all(1, 10)
        gateway.send_all(21)
        gateway.wait_upto(10)
        assert gateway.commands == []
        gateway.send_all(11, 20)
        command = gateway.wait_command()
        assert (command.op, command.id, command.days) == ("counts", "counts-1", [])
        assert command.serial == "VT00000001"
        gateway.wait_upto(41)
    (line,) = said(caplog, "reconciled")
    assert (line["days"], line["differ"], line["round"]) == (1, 0, 1)
    verdicts = "SELECT day, there_count, here_count, verdict FROM reconciled"
    assert rows(tmp_path, verdicts) == [("2026-11-01", 30, 30, "alike")]


def test_days_that_differ_are_said_to_everybody(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """To the gateway with our own figures, in the log, in the store; until mended."""
    with (
        Centre(broker.port, tmp_path, 60.0),
        hand_gateway(broker.port) as gateway,
    ):
        gateway.outbox.add_punches(range(20))
        days = {"2026-11-01": digest(range(25)), "2026-10-31": digest(range(3))}
        day_counts(gateway.outbox, days)
        gateway.send_all()
        told = {day.day: (day.count, day.digest) for day in gateway.wait_command().days}
        assert told == {
            "2026-11-01": digest(range(20)),
            "2026-10-31": (0, SHA_NOTHING),
        }
        gateway.outbox.add_punches(range(20, 25))
        days = {"2026-11-01": digest(range(25)), "2026-10-31": (0, SHA_NOTHING)}
        day_counts(gateway.outbox, days, id="counts-2")
        gateway.send_all(22)
        assert gateway.wait_command(2).days == []
    differs = said(caplog, "reconcile differs")
    assert [(d["day"], d["there"], d["here"], d["verdict"]) for d in differs] == [
        ("2026-11-01", 25, 20, "fewer"),
        ("2026-10-31", 3, 0, "fewer"),
    ]
    assert set(rows(tmp_path, "SELECT verdict FROM reconciled")) == {"alike"}


def test_punches_of_another_gateway_do_not_count(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """One terminal, two gateways: each is compared with what came through itself.

    What the other brought first counts as seen.
    """
    with (
        Centre(broker.port, tmp_path, 60.0),
        hand_gateway(broker.port, "g1") as one,
        hand_gateway(broker.port, "g2") as two,
    ):
        one.outbox.add_punches(range(20))
        one.send_all()
        one.wait_upto(20)
        two.outbox.add_punches(range(10, 30))
        day_counts(two.outbox, {"2026-11-01": digest(range(10, 30))})
        two.send_all()
        assert two.wait_command().days == []


@pytest.mark.unwatched("nobody may have subscribed")
def test_an_answer_nobody_heard_is_given_at_the_next_birth(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """Counts of a gateway that went away are answered when it is there, once.

    A restart of the centre between changes nothing of that.
    """
    with (
        Centre(broker.port, tmp_path, 60.0),
        hand_gateway(broker.port, commands=False) as gateway,
    ):
        gateway.outbox.add_punches(range(20))
        day_counts(gateway.outbox, {"2026-11-01": digest(range(20))})
        gateway.send_all()
        gateway.wait_upto(21)
    unanswered = "SELECT count(*) FROM records WHERE answered_at IS NULL"
    assert rows(tmp_path, unanswered) == [1]
    with (
        Centre(broker.port, tmp_path, 60.0),
        hand_gateway(broker.port) as gateway,
    ):
        assert gateway.wait_command().id == "counts-1"
        gateway.born()
        gateway.wait(lambda: rows(tmp_path, unanswered) == [0])
        gateway.outbox.add_punches(range(20))
        day_counts(gateway.outbox, {"2026-11-01": digest(range(20))})
        gateway.send_all()
        gateway.wait_upto(21)
        assert len(gateway.commands) == 1


def test_counts_without_sense_are_said_and_not_answered(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They block nothing and are not looked at again."""
    with (
        Centre(broker.port, tmp_path, 60.0),
        hand_gateway(broker.port) as gateway,
    ):
        day_counts(gateway.outbox, {}, detail={"round": 1})
        day_counts(gateway.outbox, {}, id="counts-2")
        gateway.send_all()
        assert gateway.wait_command().id == "counts-2"
    assert len(said(caplog, "reconcile unreadable")) == 1


def test_what_gateways_say_of_themselves_is_kept(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """The last state, and since when it is there or not."""
    found = "SELECT online, since, backlog FROM gateways"
    with (
        Centre(broker.port, tmp_path),
        hand_gateway(broker.port) as gateway,
    ):
        gateway.wait_upto(0)
        (first,) = rows(tmp_path, found)
        assert (first[0], first[2]) == (1, 7)
        gateway.born()
        gateway.wait(lambda: len(gateway.acks) > 1)
        assert rows(tmp_path, found) == [first]
        gateway.born(online=False)
        gateway.wait(lambda: rows(tmp_path, found)[0][0] == 0)
        assert rows(tmp_path, found)[0][1] > first[1]


def test_what_was_asked_has_an_end(broker: Mosquitto, tmp_path: Path) -> None:
    """A command says until when it holds, a minute from now, in its own words."""
    with (
        Centre(broker.port, tmp_path, QUICK),
        hand_gateway(broker.port) as gateway,
    ):
        with_hole(gateway)
        command = json.loads(json.dumps(gateway.wait_command().expires))
        assert command > gateway.commands[0].sent
