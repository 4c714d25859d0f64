"""Certificates that will not last: read, said in the log, in `status` and elsewhere."""

import base64
import logging
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.health import RiskId, risks
from gateway.settings import AlarmSettings
from sync.certificates import (
    CertificateError,
    Notices,
    Standing,
    State,
    Validity,
    read,
    standings,
)
from tests.end_to_end.processes import COMMAND, until
from tests.security.authority import Authority, ShippedBroker, openssl
from tests.security.sites import GATEWAY, TlsSite

BEGINS = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
ENDS = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def standing(now: datetime, key: str = "tls_cert") -> Standing:
    """Return what is known of a certificate at one moment."""
    return Standing(key, "/etc/gw.crt", Validity(BEGINS, ENDS), now)


def said_by_openssl(path: Path) -> Validity:
    """Return the dates as OpenSSL reads them."""
    told = openssl(
        *("x509", "-in", str(path), "-noout", "-startdate", "-enddate"),
        *("-dateopt", "iso_8601"),
    )
    dates = [
        line.partition("=")[2].replace("Z", "+00:00") for line in told.splitlines()
    ]
    begins, ends = map(datetime.fromisoformat, dates)
    return Validity(begins, ends)


@pytest.mark.parametrize(
    "dates",
    [
        ("19500101000000Z", "20491231235959Z"),  # both in the form of two digits
        ("20491231235959Z", "20500101000000Z"),  # one of each
        ("20510101000000Z", "99991231235959Z"),  # never
        ("20240229235959Z", "20280229000000Z"),
    ],
)
def test_dates_are_those_openssl_reads(
    authority: Authority, tmp_path: Path, dates: tuple[str, str]
) -> None:
    """Our reader of two dates against the one everybody uses."""
    crt = authority.dated(GATEWAY, "client", dates, tmp_path / "x.crt")
    assert read(crt.read_bytes()) == [said_by_openssl(crt)]


def test_every_certificate_of_this_machine_reads_as_openssl_reads_it(
    authority: Authority,
) -> None:
    """Authorities of the world: RSA, old versions, odd names; and our own."""
    found = list(authority.folder.glob("*.crt"))
    found += sorted(Path("/etc/ssl/certs").glob("*.pem"))[:40]
    for path in found:
        assert read(path.read_bytes())[0] == said_by_openssl(path), path


def test_what_is_no_certificate_is_said(authority: Authority) -> None:
    """Another file, an empty block, and every cut of a real one: words, no crash."""
    pem = authority.file("ca.crt").read_bytes()
    for wrong in (b"", b"x", authority.file("ca.key").read_bytes()):
        with pytest.raises(CertificateError, match="no PEM certificate"):
            read(wrong)
    lines = pem.splitlines(keepends=True)
    cuts = [b"".join([*lines[:n], lines[-1]]) for n in range(1, len(lines) - 2)]
    for cut in cuts:
        with pytest.raises(CertificateError, match="is damaged"):
            read(cut)


@given(st.binary(max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_a_certificate_or_a_word(content: bytes) -> None:
    """Hostile bytes raise what callers expect and nothing else."""
    body = base64.encodebytes(content)
    pem = b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
    with pytest.raises(CertificateError):
        read(pem)


def test_of_authorities_the_longest_counts(
    authority: Authority, tmp_path: Path
) -> None:
    """A former authority beside its successor is no reason to warn."""
    both = tmp_path / "ca.crt"
    old = authority.dated(
        GATEWAY, "client", ("20200101000000Z", "20210101000000Z"), tmp_path / "o.crt"
    )
    both.write_bytes(old.read_bytes() + authority.file("ca.crt").read_bytes())
    now = datetime.now(UTC)
    (one,) = standings(str(both), "", now)
    assert (one.key, one.state) == ("tls_ca", State.FINE)
    (one,) = standings("", str(both), now)
    assert (one.key, one.state) == ("tls_cert", State.EXPIRED)
    assert standings("", "", now) == []
    (gone,) = standings(str(tmp_path / "gone"), "", now)
    assert gone.words.endswith("cannot be read: No such file or directory")


@pytest.mark.parametrize(
    "now, state, words",
    [
        (ENDS - timedelta(days=30, seconds=1), State.FINE, ""),
        (ENDS - timedelta(days=30), State.EXPIRES, "2026-11-01, in 30 days; renew it"),
        (ENDS - timedelta(days=1), State.EXPIRES, "in 1 days; renew it"),
        (ENDS, State.EXPIRES, "in 0 days; renew it"),
        (ENDS + timedelta(seconds=1), State.EXPIRED, "expired on 2026-11-01; renew it"),
        (BEGINS, State.FINE, ""),
        (
            datetime(1970, 1, 1, 0, 1, tzinfo=UTC),
            State.EARLY,
            "the clock of this machine says 1970-01-01 00:01 UTC",
        ),
    ],
)
def test_states_on_their_edges(now: datetime, state: State, words: str) -> None:
    """Thirty days before, at the end, after it, and before it all began."""
    one = standing(now)
    assert (one.state, words in one.words, not words) == (state, True, not one.words)


def test_the_log_is_told_at_once_and_then_daily(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line a day from thirty days on, an error when it is over, then silence."""
    notices, now = Notices(), ENDS - timedelta(days=32)
    with caplog.at_level(logging.INFO, "punchgate.sync"):
        while now < ENDS + timedelta(days=2):
            notices.say([standing(now)])
            notices.say([standing(now)])
            now += timedelta(hours=5)
        notices.say([Standing("tls_ca", "ca.crt", None, now, "is damaged")])
        notices.say([standing(datetime(1970, 1, 1, tzinfo=UTC), "other")])
    events = [(record.levelname, record.msg) for record in caplog.records]
    assert events.count(("WARNING", "certificate expires")) == 30
    assert events.count(("ERROR", "certificate expired")) == 2
    assert events[-2:] == [("ERROR", "certificate unusable")] * 2
    days = [
        r.args["days"]
        for r in caplog.records
        if isinstance(r.args, dict) and "days" in r.args
    ]
    assert days == list(range(29, -1, -1))


def test_a_look_reads_files_once_a_minute(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be called from every round of a loop."""
    path = tmp_path / "x.crt"
    path.write_text("x")
    notices = Notices()
    for _ in range(3):
        notices.look("", str(path))
        path.unlink(missing_ok=True)
    assert [record.msg for record in caplog.records] == ["certificate unusable"]


def test_risks_of_certificates() -> None:
    """Each kind has an id of its own, for programs; the words name the file."""
    status = {
        "daemon": True,
        "terminals": [],
        "outbox": {"oldest_age_seconds": None, "unacknowledged": 0},
        "uplink": None,
        "reconcile": [],
    }
    for now, expected in (
        (BEGINS, None),
        (ENDS - timedelta(days=3), RiskId.CERTIFICATE_EXPIRES),
        (ENDS + timedelta(days=3), RiskId.CERTIFICATE_EXPIRES),
        (BEGINS - timedelta(days=9), RiskId.CLOCK_UNSET),
    ):
        lines = [standing(now).as_json(), standing(now, "tls_ca").as_json()]
        found = risks(status | {"certificates": lines}, AlarmSettings(), now)
        assert [risk.id for risk in found] == ([expected] if expected else [])
        for risk in found:
            both = risk.id is not RiskId.CLOCK_UNSET
            assert risk.words.count("/etc/gw.crt") == 1 + both
    damaged = Standing("tls_cert", "gw.crt", None, ENDS, "is damaged").as_json()
    (risk,) = risks(status | {"certificates": [damaged]}, AlarmSettings(), ENDS)
    assert (risk.key, "is damaged" in risk.words) == ("certificate_unusable", True)


@pytest.fixture
def site(tmp_path: Path, authority: Authority, tls_broker: ShippedBroker) -> TlsSite:
    """Return a site whose gateway has a certificate for two more days."""
    site = TlsSite(tmp_path, tls_broker.port, authority)
    begin = datetime.now(UTC) - timedelta(days=87.5)
    dates = [f"{begin + timedelta(days=n):%Y%m%d%H%M%SZ}" for n in (0, 90)]
    for name in (GATEWAY, "central"):
        short = tmp_path / f"{name}.crt"
        authority.dated(name, "client", (dates[0], dates[1]), short)
        site.use(name, short)
    return site


@pytest.mark.mosquitto
@pytest.mark.slow
def test_every_outlet_of_real_processes_says_it(site: TlsSite) -> None:
    """Log, status, health, doctor, check-config and the textfile; both processes."""
    site.write()
    gateway = site.folder / "gateway.toml"
    prom = site.folder / "x.prom"
    with gateway.open("a") as file:
        file.write(f'[alarms]\ntextfile = "{prom}"\n')
    try:
        site.virtual.start()
        site.daemon.start()
        site.collector.start()
        line = f"certificate expires file={site.tls}/gw-hq-1.crt days=2 until=20"
        site.says(site.daemon, line)
        site.says(site.daemon, "risk id=certificate_expires terminal=- words=")
        site.says(site.collector, f"certificate expires file={site.tls}/central.crt")
        (cert, ca) = site.status()["certificates"]
        assert (cert["key"], cert["state"], ca["state"]) == (
            "tls_cert",
            "expires",
            "fine",
        )
        assert 2.4 < cert["days_left"] <= 2.5
        words = "in 2 days; renew it"
        for command in ("status", "health"):
            assert words in " ".join(site.ask(command).stdout.split()), command
        doctor = site.ask("doctor").stdout
        assert words in doctor
        assert "its own certificate lasts until" in doctor
        assert "it has no comm key" in doctor
        until(prom.exists, "the textfile")
        until(lambda: "cert_days_left" in prom.read_text(), "its figures")
        metrics = {
            sample.labels["key"]: sample.value
            for family in text_string_to_metric_families(prom.read_text())
            for sample in family.samples
            if sample.name == "punchgate_cert_days_left"
        }
        assert int(metrics["tls_cert"]) == 2
        assert metrics["tls_ca"] > 3600
    finally:
        site.close()
    done = subprocess.run(
        [COMMAND, "check-config", str(gateway), str(site.folder / "central.toml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    for name in ("gateway", "central"):
        assert f"warning: {site.folder / name}.toml:" in done.stdout
    assert done.stdout.endswith("ok\n")


def _at(faketime: str, moment: str) -> list[str]:
    """Return what a command begins with that is to believe in a moment.

    `faketime` itself stays above the command as another process, and whoever ends it
    leaves the command behind: it is asked for its library alone.
    """
    said = subprocess.run(
        [faketime, "-f", moment, "env"], capture_output=True, text=True, check=True
    ).stdout
    (library,) = re.findall(r"^LD_PRELOAD=.+$", said, re.MULTILINE)
    return ["env", library, f"FAKETIME={moment}", "FAKETIME_DONT_FAKE_MONOTONIC=1"]


@pytest.mark.mosquitto
@pytest.mark.slow
def test_a_clock_that_is_not_set_is_named_as_that(site: TlsSite) -> None:
    """At 1970 nothing is called expired, by no process: the clock is to be set."""
    faketime = shutil.which("faketime")
    if faketime is None:
        pytest.skip("faketime is absent: apt-get install faketime")
    site.use(GATEWAY)
    site.write()
    past = _at(faketime, "@1970-01-02 00:00:00")
    site.daemon.arguments = [*past, *site.daemon.arguments]
    site.collector.arguments = [*past, *site.collector.arguments]
    sentence = "the clock of this machine says 1970-01-0"
    try:
        site.daemon.start()
        site.collector.start()
        for process in (site.daemon, site.collector):
            site.says(process, f"certificate unusable file={site.tls}")
            site.says(process, "and the broker's certificate is not valid yet; set")
            assert sentence in process.text()
            assert "expired" not in process.text()
    finally:
        site.close()
