"""Answers are believed as far as they were asked for."""

import json
from typing import Any

import msgspec
import pytest

from central.asking import Answered, Asking, counts, read_reply
from central.holes import Ask
from central.values import Poison, Reason, Stream
from sync.commands import Command, DayCount, RangeFate, Reply
from sync.messages import encode
from tests.central.batches import AT, TOPICS

STREAM = Stream("s1", "g1", "e1")
ASK = Ask(STREAM, ((5, 9), (20, 29)), 0)
TOPIC = TOPICS.of("s1", "g1", "cmd/reply")


def reply(name: str, *ranges: tuple[int, int, str], **changes: Any) -> Reply:
    """Return an answer to `resend`."""
    values: dict[str, Any] = {"site": "s1", "gateway": "g1", "op": "resend"}
    values["result"] = "done"
    values = {**values, "id": name, "reason": None, "sent": AT, "epoch": "e1"}
    fates = [RangeFate(first=a, last=b, fate=c) for a, b, c in ranges]  # type: ignore[arg-type]
    return Reply(**{**values, "ranges": fates, **changes})


def test_a_command_says_what_it_wants_and_until_when() -> None:
    """Epoch, ranges, an id of its own and a minute to live; readable as a command."""
    asking = Asking("st_1", 7)
    one, two = asking.resend(ASK, AT), asking.resend(ASK, AT)
    read = msgspec.json.decode(encode(one), type=Command)
    assert (read.op, read.epoch, read.ranges) == ("resend", "e1", [(5, 9), (20, 29)])
    assert (read.sent, read.expires) == (AT, "2026-11-02T08:01:00.000+08:00")
    assert one.id != two.id


def test_the_answer_is_taken_once() -> None:
    """Told twice it is known, and nothing more happens."""
    asking = Asking("st_1", 7)
    name = asking.resend(ASK, AT).id
    said = reply(name, (5, 9, "pruned"), (20, 29, "sent"))
    assert asking.answered(said) == Answered(STREAM, tuple(said.ranges))
    assert asking.answered(said) is None


def test_an_answer_to_a_former_process_is_dropped() -> None:
    """It will be asked again; it is no stranger's either."""
    name = Asking("st_1", 6).resend(ASK, AT).id
    assert Asking("st_1", 7).answered(reply(name, (5, 9, "pruned"))) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "st_2-7-1"},
        {"gateway": "g2"},
        {"site": "s2"},
        {"epoch": "e2"},
        {"ranges": [RangeFate(first=4, last=9, fate="pruned")]},
        {"ranges": [RangeFate(first=20, last=30, fate="pruned")]},
        {"ranges": [RangeFate(first=9, last=5, fate="pruned")]},
    ],
)
def test_what_nobody_asked_is_a_stranger(changes: dict[str, Any]) -> None:
    """Another store, gateway, epoch or range: nothing of it is believed."""
    asking = Asking("st_1", 7)
    name = asking.resend(ASK, AT).id
    assert asking.answered(reply(name, **changes)) is Reason.STRANGER


def test_old_commands_are_forgotten() -> None:
    """Gateways that never answer do not fill the memory."""
    asking = Asking("st_1", 7)
    names = [asking.resend(ASK, AT).id for _ in range(1001)]
    assert asking.answered(reply(names[0])) is None
    assert asking.answered(reply(names[1])) is not None
    assert asking.answered(reply(names[-1])) is not None


def test_the_answer_to_day_counts() -> None:
    """Carries the event's id and the days that differ."""
    days = [DayCount(day="2026-11-02", count=0, digest="0" * 64)]
    read = msgspec.json.decode(
        encode(counts(STREAM, "ev", "VT1", days, AT)), type=Command
    )
    assert (read.op, read.id, read.serial, read.days) == ("counts", "ev", "VT1", days)


def test_an_answer_is_read() -> None:
    """The struct it was sent as."""
    said = reply("n", (1, 2, "sent"))
    assert read_reply(TOPICS, TOPIC, encode(said)) == said


@pytest.mark.parametrize(
    "topic, payload, reason",
    [
        (TOPIC, b"\xff", Reason.UNREADABLE),
        (TOPIC, b"{}", Reason.UNREADABLE),
        ("att/v1/x", encode(reply("n")), Reason.UNREADABLE),
        (TOPIC.replace("g1", "g2"), encode(reply("n")), Reason.IDS),
        (TOPIC, json.dumps({"v": 2}).encode(), Reason.UNREADABLE),
    ],
)
def test_garbage_is_put_aside_with_its_bytes(
    topic: str, payload: bytes, reason: Reason
) -> None:
    """Nothing raises, nothing is guessed."""
    found = read_reply(TOPICS, topic, payload)
    assert isinstance(found, Poison)
    assert (found.topic, found.payload, found.reason) == (topic, payload, reason)
