"""Gateway, centre and readers over TLS, with the shipped files and real processes."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.brokers import free_port
from tests.end_to_end.processes import Process, until
from tests.security.authority import Authority, ShippedBroker
from tests.security.sites import GATEWAY, TlsSite

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]


@pytest.fixture
def site(tmp_path: Path, authority: Authority) -> Iterator[TlsSite]:
    """Return a site with written files, nothing started yet."""
    site = TlsSite(tmp_path, free_port(), authority)
    site.write()
    yield site
    site.close()


@pytest.fixture
def own_broker(site: TlsSite, authority: Authority) -> Iterator[ShippedBroker]:
    """Return a broker of this test alone, not started yet."""
    port = site.gateway_broker_port
    broker = ShippedBroker(site.folder / "broker", authority.folder, port=port)
    yield broker
    broker.kill()


def subscribed(site: TlsSite, name: str, *topics: str) -> Process:
    """Start a mosquitto_sub with somebody's certificate; what it hears is its log."""
    command = shutil.which("mosquitto_sub")
    if command is None:
        pytest.skip("mosquitto_sub is absent: apt-get install mosquitto-clients")
    files = site.authority.files(name)
    tls = ["--cafile", files["tls_ca"], "--cert", files["tls_cert"]]
    where = ["-h", site.host, "-p", str(site.gateway_broker_port), "-v", "-q", "1"]
    asked = [word for topic in topics for word in ("-t", topic)]
    listener = Process(
        [command, *where, *tls, "--key", files["tls_key"], *asked],
        site.folder / f"heard-{name}",
    )
    listener.start()
    return listener


def test_certificates_change_while_the_daemon_runs(
    site: TlsSite,
    own_broker: ShippedBroker,
    authority: Authority,
    stranger: Authority,
    dated: Path,
) -> None:
    """What is wrong with them is said; the next good one lets everything through."""
    with ExitStack() as stack:
        site.start(own_broker)
        site.punch("1001")
        until(site.equal, "equal id sets")
        mistakes = {
            "our certificate {tls}/gw-hq-1.crt has expired; renew it": dated
            / "old.crt",
            "does not know the authority of our certificate": stranger.file(
                "gw-hq-1.crt"
            ),
        }
        for words, crt in mistakes.items():
            site.use(GATEWAY, crt)
            if crt.parent == stranger.folder:
                shutil.copy(stranger.file("gw-hq-1.key"), site.tls)
            own_broker.restart()
            site.says(site.daemon, words.format(tls=site.tls))
            site.punch("1001")
        until(lambda: len(site.journal_ids()) == 3, "punches in the journal")
        shown = site.ask("status").stdout
        assert "outbox  0 not acknowledged" not in shown
        assert "does not know the authority" in " ".join(shown.split())
        authority.must("renew", GATEWAY)
        site.use(GATEWAY)
        until(site.equal, "equal id sets after the renewal")
        assert site.status()["certificates"][0]["state"] == "fine"
        reader = subscribed(site, "reader", "att/v1/#")
        stack.callback(reader.close)
        site.says(reader, f"{GATEWAY}/state")
        site.punch("1001")
        site.says(reader, f"{GATEWAY}/punch")
        until(site.equal, "equal id sets of later punches")
    own = f"att/v1/hq/{GATEWAY}/"
    topics = [line.split(" ", 1)[0] for line in reader.text().splitlines()]
    kinds = {t.removeprefix(own).split("/")[0] for t in topics if t.startswith(own)}
    assert kinds <= {"punch", "attendance", "state", "terminal", "live"}
    assert site.daemon.text().count("daemon up") == 1


def test_settings_that_are_wrong_are_said_by_daemon_and_collector(
    site: TlsSite, tls_broker: ShippedBroker, stranger: Authority, dated: Path
) -> None:
    """Both processes say what is wrong in the same words, and the doctor as well."""
    site.gateway_broker_port = site.central_broker_port = tls_broker.port
    shutil.copy(stranger.file("ca.crt"), site.tls / "other-ca.crt")
    shutil.copy(dated / "old.crt", site.tls)
    site.write()
    right = {
        name: (site.folder / f"{name}.toml").read_text("utf-8")
        for name in ("gateway", "central")
    }
    none = "".join(
        f'{name} = "tls/{{role}}.{end}"\n'
        for name, end in (("tls_cert", "crt"), ("tls_key", "key"))
    )
    changes = {
        "the broker wants a certificate of us; name one as": (none, ""),
        "certificate is not for the name 127.0.0.1; write": ("localhost", "127.0.0.1"),
        "an authority that is not in": ("tls/ca.crt", "tls/other-ca.crt"),
    }
    collectors = []
    site.daemon.start()
    site.says(site.daemon, "uplink up")
    for number, (words, (old, new)) in enumerate(changes.items()):
        text = right["central"].replace(old.format(role="central"), new)
        collectors.append((site.another(f"central-{number}", text), words))
        collectors[-1][0].start()
    try:
        for words, (old, new) in changes.items():
            text = right["gateway"].replace(old.format(role=GATEWAY), new)
            assert text != right["gateway"]
            (site.folder / "gateway.toml").write_text(text, "utf-8")
            site.daemon.send(signal.SIGHUP)
            site.says(site.daemon, words)
        done = site.ask("doctor")
        assert (done.returncode, "FAIL  broker" in done.stdout) == (1, True)
        assert "do this: tls_ca must be the ca.crt" in done.stdout
        for collector, words in collectors:
            site.says(collector, words)
            assert "central down after=1" in collector.text()
            assert collector.end() == 0
    finally:
        for collector, _ in collectors:
            collector.close()
