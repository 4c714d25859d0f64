"""Fixtures: a real broker, stores on both databases, and questions to them."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

import gateway.cli.every  # noqa: F401 - registers the commands
from central.store.store import CentralStore
from gateway.cli.app import app
from tests.brokers import Mosquitto, free_port, mosquitto_path
from tests.central.batches import AT
from tests.central.questions import Ask


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Return a running mosquitto; skip where there is none."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    with Mosquitto(tmp_path / "broker") as running:
        yield running


def _program(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def _as_nobody(folder: Path) -> list[str]:
    """Return how to run a program that refuses to be root; give it the folder."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("PostgreSQL will not run as root, and setpriv is absent")
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [setpriv, *ids, "--"]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a server of our own on loopback."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL is absent: apt-get install postgresql")
    folder = tmp_path_factory.mktemp("postgresql")
    as_nobody = _as_nobody(folder)
    top = Path(tempfile.gettempdir())
    for parent in folder.parents if as_nobody else ():
        if parent != top and parent.is_relative_to(top):
            parent.chmod(0o755)
    data, port = folder / "data", free_port()
    options = ["-A", "trust", "-U", "punchgate", "-E", "UTF8", "--no-sync"]
    subprocess.run(
        [*as_nobody, initdb, "-D", str(data), *options],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    command = [postgres, "-D", str(data), "-p", str(port), "-k", str(folder)]
    with subprocess.Popen(
        [*as_nobody, *command, "-h", "127.0.0.1", "-c", "fsync=off"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    ) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if "ready to accept connections" in line:
                break
        yield f"postgresql+psycopg://punchgate@127.0.0.1:{port}/postgres"
        child.terminate()
        child.stderr.read()


@pytest.fixture
def postgresql(server: str) -> str:
    """Return the URL of an empty database."""
    engine = create_engine(server)
    with engine.begin() as conn:
        conn.execute(text("DROP SCHEMA public CASCADE"))
        conn.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty store, on one database and on the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'central.db'}"
    return str(request.getfixturevalue("postgresql"))


@pytest.fixture
def config(tmp_path: Path, url: str) -> Path:
    """Return a central file over an empty store."""
    path = tmp_path / "central.toml"
    path.write_text(
        f'[central]\nid = "c1"\nstore = "{url}"\n[mqtt]\nhost = "127.0.0.1"\n', "utf-8"
    )
    return path


@pytest.fixture
def store(url: str, config: Path) -> Iterator[CentralStore]:
    """Return the collector's own opening of it: questions come beside it."""
    with CentralStore.open(url, AT) as opened:
        yield opened


@pytest.fixture
def ask(config: Path) -> Ask:
    """Return how to run a command; exit code and output."""

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*words, "-c", str(config)])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.exit_code, done.stdout + done.stderr

    return run
