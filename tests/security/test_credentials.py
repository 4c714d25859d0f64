"""Names of secret files: relative, of systemd, absent, and open to others."""

import os
from pathlib import Path

import pytest

from central import settings as central_settings
from gateway import settings
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.terminals import spec_of
from tests.builders import BOOK
from tests.gateway.commands import run

GATEWAY = """[gateway]
id = "gw-1"
site = "hq"
data_dir = "{data}"
book = "book.toml"
[mqtt]
host = "localhost"
{mqtt}
[[terminals]]
id = "lobby"
host = "127.0.0.1"
{terminal}
"""
CENTRAL = """[central]
id = "c1"
store = "{store}"
books = ["book.toml"]
[mqtt]
host = "localhost"
{mqtt}
"""
SQLITE = "sqlite:////tmp/central.db"
PASSWORD = "hunter2-hunter2"  # noqa: S105 - planted here to be looked for


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of configuration that is not the working directory."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "book.toml").write_text(BOOK, "utf-8")
    (tmp_path / "secrets").mkdir()
    return tmp_path


def secret(folder: Path, name: str, text: str = PASSWORD, mode: int = 0o600) -> Path:
    """Write a secret file."""
    path = folder / name
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def gateway(folder: Path, mqtt: str = "", terminal: str = "") -> Path:
    """Write a gateway file."""
    path = folder / "gateway.toml"
    path.write_text(
        GATEWAY.format(mqtt=mqtt, terminal=terminal, data=folder / "data"), "utf-8"
    )
    return path


def central(folder: Path, mqtt: str = "", store: str = SQLITE) -> Path:
    """Write a central file."""
    path = folder / "central.toml"
    path.write_text(CENTRAL.format(mqtt=mqtt, store=store), "utf-8")
    return path


def wrong(path: Path) -> list[Problem]:
    """Return the problems of a gateway or central file."""
    if path.name == "central.toml":
        return central_settings.load(path)[1]
    with pytest.raises(ConfigError) as caught:
        settings.load(path)
    return list(caught.value.problems)


FOUR = "".join(
    f'{name} = "secrets/{name}"\n'
    for name in ("tls_ca", "tls_cert", "tls_key", "password_file")
)


def test_names_are_relative_to_the_file(folder: Path) -> None:
    """Every file of both configurations, as the book; not to the working directory."""
    for name in ("tls_ca", "tls_cert", "tls_key", "password_file"):
        secret(folder, f"secrets/{name}")
    secret(folder, "secrets/key", "77")
    loaded = settings.load(gateway(folder, FOUR, 'comm_key_file = "secrets/key"'))
    found, problems = central_settings.load(central(folder, FOUR))
    assert problems == []
    assert found is not None
    for mqtt in (loaded.settings.mqtt, found.mqtt):
        assert mqtt.tls_ca == str(folder / "secrets/tls_ca")
        assert mqtt.tls_cert == str(folder / "secrets/tls_cert")
        assert mqtt.tls_key == str(folder / "secrets/tls_key")
        assert mqtt.password_file == str(folder / "secrets/password_file")
    (terminal,) = loaded.settings.terminals
    spec = spec_of(loaded, terminal)
    assert spec.address.comm_key == 77
    assert "77" not in repr(spec), "a traceback or a debugger would show it"


def test_credentials_are_those_of_the_service(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`credential:NAME` is a file systemd lays down; a missing one is named as that."""
    given = folder / "given"
    given.mkdir()
    secret(given, "mqtt-password", mode=0o440)
    secret(given, "lobby-key", "77", mode=0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    mqtt = 'password_file = "credential:mqtt-password"'
    key = 'comm_key_file = "credential:lobby-key"'
    loaded = settings.load(gateway(folder, mqtt, key))
    assert loaded.settings.mqtt.password_file == str(given / "mqtt-password")
    assert loaded.settings.terminals[0].comm_key_file == str(given / "lobby-key")
    assert loaded.concerns == (), "systemd looks after who may read them"
    found, _ = central_settings.load(central(folder, mqtt))
    assert found is not None
    assert (found.mqtt.password_file, found.concerns) == (
        str(given / "mqtt-password"),
        (),
    )
    (problem,) = wrong(gateway(folder, 'tls_key = "credential:mqtt-key"'))
    assert (problem.line, problem.path) == (8, "mqtt.tls_key")
    assert "add LoadCredential= to its unit" in problem.reason


def test_outside_the_service_credentials_hold_up_no_command(folder: Path) -> None:
    """`status` and `check-config` go; what needs the secret says where it would be."""
    mqtt = 'password_file = "credential:p"\ntls_key = "credential:k"'
    path = gateway(folder, mqtt, 'comm_key_file = "credential:none-such"')
    loaded = settings.load(path)
    where = "/run/credentials/punchgate.service"
    assert loaded.settings.mqtt.password_file == f"{where}/p"
    found, problems = central_settings.load(central(folder, mqtt))
    assert problems == []
    assert found is not None
    assert found.mqtt.tls_key == "/run/credentials/punchgate-central.service/k"
    for command in (("run",), ("doctor",), ("terminal", "info", "lobby")):
        done = run(*command, "-c", path)
        assert done.returncode == 2, command
        assert f"{where}/none-such cannot be read" in done.stderr
        assert "Traceback" not in done.stderr


MISTAKEN = (
    '"hunter2-hunter2"',
    "4711471147",
    '"x\\u0000y"',
    f'"""\n-----BEGIN PRIVATE KEY-----\n{"hunter2-" * 100}\n"""',
)


def test_a_secret_where_a_file_belongs_is_not_repeated(folder: Path) -> None:
    """People write the password itself there; no error shows it."""
    files: list[Path] = []
    for value in MISTAKEN:
        for name in ("password_file", "tls_key", "comm_key_file"):
            inside = folder / f"{len(files)}"
            inside.mkdir()
            (inside / "book.toml").write_text(BOOK, "utf-8")
            line = f"{name} = {value}"
            if name == "comm_key_file":
                files.append(gateway(inside, "", line))
            else:
                files += [gateway(inside, line), central(inside, line)]
    for path in files:
        (problem,) = wrong(path)
        assert problem.path.endswith(("password_file", "tls_key", "comm_key_file"))
        assert "must not stand here" in problem.reason
    done = run("check-config", *files)
    assert (done.returncode, done.stderr) == (2, "")
    assert f"{len(files)} problems" in done.stdout
    for planted in ("hunter2", "4711", "BEGIN", "Traceback"):
        assert planted not in done.stdout


@pytest.mark.parametrize(
    "store",
    [
        "postgresql+psycopg://gw:hun@ter2@db/punchgate",
        "postgresql+psycopg://gw:hunter2/x@db/punchgate",
        "postgresql+psycopg://gw:hunter2#x@db/punchgate",
        "postgresql+psycopg://gw:hunter2?x@db/punchgate",
        "postgresql+psycopg://[hunter2@db/punchgate",
        "mysql://gw:hunter2@db/punchgate",
    ],
)
def test_a_url_that_can_be_misread_is_not_used(folder: Path, store: str) -> None:
    """A piece of the password must not become host or port, which errors show."""
    (problem,) = wrong(central(folder, store=store))
    assert problem.path == "central.store"
    assert "ter2" not in str(problem)
    well = "postgresql+psycopg://gw:hun%40ter2@db:5432/punchgate?sslmode=require"
    assert wrong(central(folder, store=well)) == []


def test_a_host_is_no_url(folder: Path) -> None:
    """A password in a URL would stand in every log line about the broker."""
    text = gateway(folder).read_text("utf-8")
    for path in (gateway(folder), central(folder)):
        text = path.read_text("utf-8")
        path.write_text(text.replace("localhost", "mqtts://gw:hunter2@b"), "utf-8")
        (problem,) = wrong(path)
        assert problem.path == "mqtt.host"
        assert "hunter2" not in str(problem)


def test_secrets_that_others_may_read_are_a_warning(folder: Path) -> None:
    """A warning with what to do; nothing is held up, for punches come first."""
    for name, mode in (("p", 0o640), ("k", 0o604), ("c", 0o600), ("t", 0o666)):
        secret(folder, name, "77", mode)
    mqtt = 'password_file = "p"\ntls_key = "k"'
    path = gateway(folder, mqtt, 'comm_key_file = "t"')
    other = central(folder, 'password_file = "c"')
    done = run("check-config", path, other)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    starts = [f"warning: {path}:{n}: " for n in (9, 8, 13)]
    keys = ["mqtt.tls_key", "mqtt.password_file", "terminals[1].comm_key_file"]
    modes = ["(mode 604); chmod 600", "(mode 640); chmod 600", "(mode 666); chmod 600"]
    assert lines[-1] == "ok"
    assert len(lines) == 4
    for line, start, where, said in zip(lines[:3], starts, keys, modes, strict=True):
        assert line.startswith(f"{start}{where}: ")
        assert said in line
    as_json = run("check-config", "--json", path)
    assert as_json.returncode == 0
    assert as_json.stdout.count('"reason"') == 3
    assert '"problems": []' in as_json.stdout
    assert os.access(folder / "p", os.R_OK)
