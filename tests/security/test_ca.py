"""`punchgate-ca`: what it makes, what it refuses, and that it overwrites nothing."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.security.authority import SCRIPT, Authority, openssl


@pytest.fixture
def fresh(tmp_path: Path) -> Authority:
    """Return an authority that nobody has made yet."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is absent: apt-get install openssl")
    return Authority(tmp_path / "ca")


def shown(path: Path, *what: str) -> str:
    """Return what openssl says of a certificate."""
    return openssl("x509", "-in", str(path), "-noout", *what)


def contents(folder: Path) -> dict[str, bytes]:
    """Return what stands in every certificate and key."""
    return {
        p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in (".crt", ".key")
    }


def test_what_it_makes(fresh: Authority) -> None:
    """P-256, 90 days, names where they belong, keys for nobody else's eyes."""
    assert "ca.key never leaves this folder" in fresh.must("init")
    said = fresh.must("broker", "broker.example", "192.0.2.7", "fd00::1")
    assert "/etc/mosquitto/certs/" in said
    said = fresh.must("client", "gw-1", "central")
    assert 'tls_cert = "gw-1.crt"' in said
    assert "/etc/punchgate/" in said
    for name in ("ca", "broker", "gw-1", "central"):
        assert stat.S_IMODE(fresh.file(f"{name}.key").stat().st_mode) == 0o600
        assert "NIST CURVE: P-256" in shown(fresh.file(f"{name}.crt"), "-text")
    strict = ("-x509_strict", "-CAfile", str(fresh.file("ca.crt")))
    purposes = {"broker": "sslserver", "gw-1": "sslclient", "central": "sslclient"}
    for name, purpose in purposes.items():
        crt = str(fresh.file(f"{name}.crt"))
        openssl("verify", *strict, "-purpose", purpose, crt)
    assert shown(fresh.file("gw-1.crt"), "-subject") == "subject=CN = gw-1\n"
    names = shown(fresh.file("broker.crt"), "-ext", "subjectAltName")
    assert "DNS:broker.example, IP Address:192.0.2.7, IP Address:FD00:" in names
    lines = {
        line.split()[0]: line.split()[2] for line in fresh.must("list").splitlines()
    }
    assert lines["gw-1"] in {"89", "90"}
    assert int(lines["ca"]) >= 3650


def test_nothing_is_overwritten(fresh: Authority) -> None:
    """What exists stays, whatever is asked for again."""
    fresh.must("init")
    fresh.must("broker", "localhost")
    fresh.must("client", "gw-1")
    before = contents(fresh.folder)
    for words in (("init",), ("broker", "other.example"), ("client", "gw-2", "gw-1")):
        done = fresh.run(*words)
        assert (done.returncode, done.stdout.count("gw-1")) == (1, 0)
        assert "already" in done.stderr
    after = contents(fresh.folder)
    assert {name: after[name] for name in before} == before


def test_renewal_keeps_the_key_and_the_names(fresh: Authority) -> None:
    """One file to copy; the broker keeps its names unless others are given."""
    fresh.must("init")
    fresh.must("broker", "localhost", "fd00::1", PUNCHGATE_CA_DAYS="20")
    fresh.must("client", "gw-1", PUNCHGATE_CA_DAYS="30")
    fresh.must("client", "gw-2")
    before = contents(fresh.folder)
    listed = fresh.run("list")
    assert listed.returncode == 1
    assert [x.split()[0] for x in listed.stdout.splitlines() if "renew" in x] == [
        "broker",
        "gw-1",
    ]
    said = fresh.must("renew", "--due")
    assert "systemctl reload mosquitto" in said
    after = contents(fresh.folder)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"broker.crt", "gw-1.crt"}
    assert fresh.must("renew", "--due") == ""
    fresh.must("list")
    names = shown(fresh.file("broker.crt"), "-ext", "subjectAltName")
    assert "DNS:localhost, IP Address:FD00:" in names
    fresh.must("renew", "broker", "broker.example")
    names = shown(fresh.file("broker.crt"), "-ext", "subjectAltName")
    assert names.splitlines()[1].strip() == "DNS:broker.example"


def test_an_expired_certificate_is_listed_as_that(fresh: Authority) -> None:
    """Days below nought, and a word beside them."""
    fresh.must("init")
    fresh.must("broker", "localhost")
    fresh.must("client", "gw-hq-1")
    fresh.expired(fresh.folder.parent)
    shutil.copy(fresh.folder.parent / "old.crt", fresh.file("gw-hq-1.crt"))
    done = fresh.run("list")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "EXPIRED" in line]
    name, until, days, _ = line.split()
    assert (name, until) == ("gw-hq-1", "2020-02-01")
    assert int(days) < -2000


@pytest.mark.parametrize(
    "words, code, said",
    [
        ((), 2, "punchgate-ca init"),
        (("sing",), 2, "there is no command «sing»"),
        (("init", "x"), 2, "init takes no words"),
        (("broker",), 2, "wants the names and addresses"),
        (("broker", "a b"), 2, "«a b» is no host name"),
        (("client",), 2, "wants a name"),
        (("client", "../x"), 2, "is no name"),
        (("client", "ca"), 2, "is kept for the authority"),
        (("client", "n" * 65), 2, "longer than the 64"),
        (("client", "gw-1"), 1, "there is no authority in"),
        (("renew",), 2, "renew wants names"),
        (("list",), 1, "make one with: punchgate-ca init"),
    ],
)
def test_what_it_cannot_do_is_said(
    fresh: Authority, words: tuple[str, ...], code: int, said: str
) -> None:
    """A sentence and an exit code, and nothing is made."""
    done = fresh.run(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert not fresh.folder.exists()


def test_failures_leave_no_half_certificate(fresh: Authority) -> None:
    """A key without its certificate would stand in the way of the next try."""
    fresh.must("init")
    cnf = fresh.file("openssl.cnf")
    well = cnf.read_text()
    cnf.write_text(well.replace("[client]", "[other]"))
    done = fresh.run("client", "gw-1")
    assert (done.returncode, "nothing of this was kept" in done.stderr) == (1, True)
    cnf.write_text(well)
    fresh.must("client", "gw-1")
    unknown = fresh.run("renew", "gw-2")
    assert (unknown.returncode, "punchgate-ca list shows all" in unknown.stderr) == (
        1,
        True,
    )
    wrong = fresh.run("client", "gw-2", PUNCHGATE_CA_DAYS="soon")
    assert (wrong.returncode, "not a number of days" in wrong.stderr) == (2, True)
    assert not list(fresh.folder.glob(".work*"))


def test_the_script_is_plain_shell() -> None:
    """No shell but the smallest is needed, and nothing looks dangerous."""
    assert SCRIPT.stat().st_mode & 0o111 == 0o111
    for shell in ("sh", "dash"):
        if shutil.which(shell):
            subprocess.run([shell, "-n", str(SCRIPT)], check=True)
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is absent: apt-get install shellcheck")
    done = subprocess.run(["shellcheck", str(SCRIPT)], capture_output=True, check=False)
    assert done.stdout == b""
