"""What holds sending back, and what lets it go on: a refusal, nobody, the centre."""

from sync.link import FAILED, NO_SUBSCRIBER
from sync.uplink_values import Answer, Gate, Verdict
from tests.sync.flows import FORBIDDEN, OK, ack, flow, gate, send


def test_no_subscriber_slows_down_until_an_ack() -> None:
    """0x10: one probe every 5 s from the last confirmed entry; an ack opens."""
    f = flow()
    first, second = send(f), send(f)
    assert f.published(first, NO_SUBSCRIBER, 1.0) is Answer.NO_SUBSCRIBER
    assert gate(f) is Gate.NO_SUBSCRIBER
    assert f.published(second, NO_SUBSCRIBER, 1.0) is Answer.NOTHING  # stale
    assert (f.sent, f.room(), f.unheard) == (0, 0, 1)
    assert f.next_at() == 6.0
    assert not f.tick(5.9)
    assert f.room() == 0
    f.tick(6.0)
    assert f.room() == 1
    f.tick(6.1)
    assert f.room() == 1
    probe = send(f, 6.2)
    assert f.room() == 0
    assert f.published(probe, NO_SUBSCRIBER, 6.3) is Answer.NO_SUBSCRIBER
    f.tick(11.0)
    assert f.published(send(f, 11.0), OK, 11.0) is Answer.TAKEN
    assert gate(f) is Gate.NO_SUBSCRIBER  # somebody listens; the centre says nothing
    assert ack(f, 10, 11.1).verdict is Verdict.MOVED
    assert gate(f) is Gate.OPEN


def test_centre_birth_opens_after_no_subscriber() -> None:
    """The centre's word that it is there is enough to go on, even retained."""
    f = flow()
    f.published(send(f), NO_SUBSCRIBER, 0.0)
    assert not f.centre(online=True, retained=True, now=1.0)
    assert gate(f) is Gate.OPEN


def test_refusal_stops_and_retries_slowly() -> None:
    """0x80 and above: nothing but one probe in 30 s, on new connections too."""
    f = flow()
    first, second = send(f), send(f)
    assert f.published(first, FAILED, 0.0) is Answer.REFUSED
    assert f.published(second, FAILED, 0.0) is Answer.REFUSED
    assert (gate(f), f.refusals, f.sent) == (Gate.REFUSED, 2, 0)
    assert not f.centre(online=True, retained=False, now=1.0)
    f.disconnected()
    f.connected(2.0, 100)
    assert gate(f) is Gate.REFUSED
    f.tick(29.9)
    assert f.room() == 0
    f.tick(30.0)
    assert f.room() == 1
    assert f.published(send(f, 30.0), FORBIDDEN, 30.0) is Answer.REFUSED
    assert f.next_at() == 60.0
    f.tick(60.0)
    assert f.published(send(f, 60.0), OK, 60.0) is Answer.TAKEN
    assert gate(f) is Gate.OPEN


def test_stale_success_does_not_lift_a_refusal() -> None:
    """Another topic's success, sent before the refusal, opens nothing."""
    f = flow()
    first, second = send(f), send(f)
    f.published(first, FORBIDDEN, 0.0)
    assert f.published(second, OK, 0.0) is Answer.NOTHING
    assert gate(f) is Gate.REFUSED


def test_refusal_that_turns_into_no_subscriber() -> None:
    """The rights came back before the centre did."""
    f = flow()
    f.published(send(f), FORBIDDEN, 0.0)
    f.tick(30.0)
    f.published(send(f, 30.0), NO_SUBSCRIBER, 30.0)
    assert gate(f) is Gate.NO_SUBSCRIBER


def test_refusal_lifted_while_the_centre_is_away() -> None:
    """What the centre said of itself meanwhile still counts."""
    f = flow()
    f.published(send(f), FORBIDDEN, 0.0)
    f.centre(online=False, retained=False, now=1.0)
    assert gate(f) is Gate.REFUSED
    f.tick(30.0)
    f.published(send(f, 30.0), OK, 30.0)
    assert gate(f) is Gate.CENTRE_OFFLINE


def test_centre_offline_stops_and_probes_ever_more_rarely() -> None:
    """The centre's death stops sending; its birth starts over at once."""
    f = flow()
    send(f)
    assert not f.centre(online=False, retained=True, now=0.0)
    assert (gate(f), f.room(), f.sent) == (Gate.CENTRE_OFFLINE, 0, 0)
    assert f.centre_online is False
    times, now = [], 0.0
    for _ in range(6):
        f.published(1, OK, now)
        now = f.next_at() or 0.0
        times.append(now)
        f.tick(now)
        token = send(f, now)
        assert not f.centre(online=False, retained=False, now=now)  # said again
        f.published(token, OK, now)
    assert times == [2.0, 6.0, 14.0, 30.0, 62.0, 122.0]
    assert f.centre(online=True, retained=False, now=130.0)
    assert (gate(f), f.room(), f.sent) == (Gate.OPEN, 4, 0)


def test_live_ack_says_that_the_centre_is_there() -> None:
    """An ack is better evidence than a state; a retained one is none."""
    f = flow()
    f.centre(online=False, retained=True, now=0.0)
    assert ack(f, 0, retained=True).verdict is Verdict.KNOWN
    assert gate(f) is Gate.CENTRE_OFFLINE
    assert ack(f, 0).verdict is Verdict.KNOWN
    assert gate(f) is Gate.OPEN


def test_old_news_of_the_centre_send_nothing_twice() -> None:
    """The retained birth of every connection is no reason to go back."""
    f = flow()
    send(f)
    assert not f.centre(online=True, retained=True, now=0.0)
    assert f.sent == 10
    assert f.centre(online=True, retained=False, now=0.0)
    assert f.sent == 0
