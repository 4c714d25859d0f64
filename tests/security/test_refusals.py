"""What a connection with TLS says when it fails: what is wrong, and what to do.

Every sentence is that of a real handshake with a broker that runs the shipped files.
"""

import queue
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from sync.link import Broker, Connected, LinkEvent, Refused
from sync.mqtt import MqttLink
from tests.brokers import Mosquitto
from tests.end_to_end.processes import until
from tests.security.authority import HOST, Authority, ShippedBroker, openssl

pytestmark = pytest.mark.mosquitto
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Case:
    """A connection that would be let in, and what a mistake may be made of."""

    well: Broker
    authority: Authority
    stranger: Authority
    dated: Path
    folder: Path


@pytest.fixture
def case(
    authority: Authority,
    stranger: Authority,
    dated: Path,
    tls_broker: ShippedBroker,
    tmp_path: Path,
) -> Case:
    """Return what is right, to be made wrong."""
    files = authority.files("gw-hq-1")
    well = Broker(
        HOST,
        tls_broker.port,
        "test",
        tls_ca=files["tls_ca"],
        tls_cert=files["tls_cert"],
        tls_key=files["tls_key"],
    )
    return Case(well, authority, stranger, dated, tmp_path)


def tried(broker: Broker) -> LinkEvent:
    """Return what became of one attempt."""
    events: queue.Queue[LinkEvent] = queue.Queue()
    link = MqttLink(broker, events.put)
    link.open()
    try:
        return events.get(timeout=_SECONDS)
    finally:
        link.close()


def test_a_certificate_of_the_site_is_let_in(case: Case) -> None:
    """The broker takes what `punchgate-ca` made, and its own certificate is seen."""
    events: queue.Queue[LinkEvent] = queue.Queue()
    link = MqttLink(case.well, events.put)
    assert link.broker_until is None
    link.open()
    assert isinstance(events.get(timeout=_SECONDS), Connected)
    assert link.broker_until is not None
    said = openssl(
        *("x509", "-noout", "-enddate", "-dateopt", "iso_8601"),
        *("-in", str(case.authority.file("broker.crt"))),
    )
    assert said == f"notAfter={link.broker_until:%Y-%m-%d %H:%M:%SZ}\n"
    link.close()


def test_a_broker_takes_its_renewed_certificate_without_a_restart(
    authority: Authority, tmp_path: Path
) -> None:
    """Renewed, copied, reloaded: the next connection sees the new one."""
    copy = tmp_path / "certs"
    shutil.copytree(authority.folder, copy)
    other = Authority(copy)
    files = other.files("gw-hq-1")
    with ShippedBroker(tmp_path / "broker", copy) as running:
        broker = Broker(
            HOST,
            running.port,
            "test",
            tls_ca=files["tls_ca"],
            tls_cert=files["tls_cert"],
            tls_key=files["tls_key"],
        )
        former = seen_until(broker)
        other.must("renew", "broker", PUNCHGATE_CA_DAYS="40")
        assert seen_until(broker) == former
        running.reload()
        until(lambda: seen_until(broker) != former, "the new certificate", _SECONDS)


def seen_until(broker: Broker) -> datetime:
    """Connect and return until when the broker's certificate is valid."""
    events: queue.Queue[LinkEvent] = queue.Queue()
    link = MqttLink(broker, events.put)
    link.open()
    try:
        assert isinstance(events.get(timeout=_SECONDS), Connected)
        assert link.broker_until is not None
        return link.broker_until
    finally:
        link.close()


def no_certificate(case: Case) -> Broker:
    """The gateway shows none."""
    return replace(case.well, tls_cert="", tls_key="")


def another_authority(case: Case) -> Broker:
    """Our certificate has the right name and the wrong authority."""
    own = case.stranger.files("gw-hq-1")
    return replace(case.well, tls_cert=own["tls_cert"], tls_key=own["tls_key"])


def expired(case: Case) -> Broker:
    """Our certificate is over."""
    return replace(case.well, tls_cert=str(case.dated / "old.crt"))


def not_begun(case: Case) -> Broker:
    """Our certificate is valid much later."""
    return replace(case.well, tls_cert=str(case.dated / "early.crt"))


def wrong_host(case: Case) -> Broker:
    """The broker's certificate is for localhost only."""
    return replace(case.well, host="127.0.0.1")


def wrong_ca(case: Case) -> Broker:
    """The broker is not of the authority we were given."""
    return replace(case.well, tls_ca=case.stranger.files("gw-hq-1")["tls_ca"])


def wrong_key(case: Case) -> Broker:
    """Certificate and key come from two machines."""
    return replace(case.well, tls_key=str(case.authority.file("gw-hq-2.key")))


def key_with_passphrase(case: Case) -> Broker:
    """Nobody is there to type it in."""
    key = case.folder / "locked.key"
    plain = ("pkey", "-in", case.well.tls_key, "-aes256", "-passout", "pass:hunter2")
    openssl(*plain, "-out", str(key))
    return replace(case.well, tls_key=str(key))


def key_is_no_key(case: Case) -> Broker:
    """Something else stands in the file."""
    key = case.folder / "some.key"
    key.write_text("hunter2")
    return replace(case.well, tls_key=str(key))


def no_key_file(case: Case) -> Broker:
    """It was taken away."""
    return replace(case.well, tls_key=str(case.folder / "gone.key"))


def no_cert_file(case: Case) -> Broker:
    """It was taken away."""
    return replace(case.well, tls_cert=str(case.folder / "gone.crt"))


def ca_is_a_key(case: Case) -> Broker:
    """The key was named where the authority's certificate should be."""
    return replace(case.well, tls_ca=case.well.tls_key)


def no_ca_file(case: Case) -> Broker:
    """It was taken away."""
    return replace(case.well, tls_ca=str(case.folder / "gone.crt"))


_SENTENCES: list[tuple[Callable[[Case], Broker], str, str]] = [
    (no_certificate, "the broker wants a certificate of us", "name one as tls_cert"),
    (another_authority, "does not know the authority of our", "broker's cafile"),
    (expired, "our certificate {dated}/old.crt has expired", "renew it"),
    (not_begun, "does not take our certificate {dated}/early.crt", "its clock"),
    (wrong_host, "certificate is not for the name 127.0.0.1", "as host under [mqtt]"),
    (wrong_ca, "is of an authority that is not in {stranger}/ca.crt", "must be the ca"),
    (wrong_key, "gw-hq-2.key is not the key of tls_cert", "copy both"),
    (key_with_passphrase, "a passphrase protects tls_key", "without one"),
    (key_is_no_key, "some.key is damaged or no PEM file", "copy them again"),
    (no_key_file, "gone.key cannot be used: No such file", "correct the file"),
    (no_cert_file, "gone.crt cannot be used: No such file", "correct the file"),
    (ca_is_a_key, "gw-hq-1.key cannot be used: it holds no certificate", "correct"),
    (no_ca_file, "gone.crt cannot be used: No such file", "correct the file"),
]


@pytest.mark.parametrize(
    "mistake,words,do", _SENTENCES, ids=[one[0].__name__ for one in _SENTENCES]
)
def test_a_mistake_is_named_with_what_to_do(
    case: Case, mistake: Callable[[Case], Broker], words: str, do: str
) -> None:
    """Each mistake has its own sentence; in front what is wrong, then what to do."""
    event = tried(mistake(case))
    assert isinstance(event, Refused)
    print(event.reason)
    wrong, _, advice = event.reason.partition("; ")
    assert words.format(dated=case.dated, stranger=case.stranger.folder) in wrong
    assert do in advice
    assert "hunter2" not in event.reason
    assert "BEGIN" not in event.reason


def test_an_expired_broker_is_named_with_our_clock(case: Case) -> None:
    """Which of the two is wrong, certificate or clock, only a person can see."""
    with ShippedBroker(case.folder / "broker", case.dated) as running:
        event = tried(replace(case.well, port=running.port))
    assert isinstance(event, Refused)
    assert "the broker's certificate has expired" in event.reason
    assert "the clock of this machine says 20" in event.reason


def test_a_broker_without_tls_is_named(case: Case) -> None:
    """TLS spoken to a plain port, and silence from a port that wants TLS."""
    with Mosquitto(case.folder / "plain") as plain:
        event = tried(replace(case.well, port=plain.port))
    assert isinstance(event, Refused)
    assert "no TLS is spoken at localhost" in event.reason
    event = tried(Broker(HOST, case.well.port, "test"))
    assert isinstance(event, Refused)
    assert event.reason == "closed before an answer"


def test_a_refusal_by_tls_is_no_reason_for_another_version(case: Case) -> None:
    """Only a broker that hangs up without a word is asked in MQTT 3.1.1."""
    events: queue.Queue[LinkEvent] = queue.Queue()
    old = expired(case)
    good, bad = Path(case.well.tls_cert), Path(old.tls_cert)
    used = case.folder / "used.crt"
    link = MqttLink(replace(case.well, tls_cert=str(used)), events.put)
    for source, kind in ((bad, Refused), (bad, Refused), (good, Connected)):
        used.write_bytes(source.read_bytes())  # as a renewal does: same name
        link.open()
        event = events.get(timeout=_SECONDS)
        assert isinstance(event, kind)
        if isinstance(event, Connected):
            assert event.protocol.value == "5.0"
    link.close()
