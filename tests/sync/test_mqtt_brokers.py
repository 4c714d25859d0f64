"""Whom a broker lets in, and which version of MQTT it is spoken to in."""

import base64
import contextlib
import hashlib
import shutil
import socket
import threading
from pathlib import Path

import pytest

from sync.link import Connected, Protocol, Published, Refused
from tests.brokers import Iotcore, Mosquitto, free_port, mosquitto_path
from tests.security.authority import Authority
from tests.sync.listeners import SECONDS, listener

pytestmark = pytest.mark.mosquitto


def test_password_and_acl(tmp_path: Path) -> None:
    """The password is read from its file; a forbidden topic is told as 0x87."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    acl = "user gw\ntopic read #\ntopic write allowed/#\n"
    passwords = tmp_path / "passwords"
    # mosquitto hashes a plain file itself when asked with -U; PBKDF2 needs its tool.
    passwords.write_text("gw:" + _hashed("secret") + "\n")
    settings = [f"password_file {passwords}"]
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    with Mosquitto(tmp_path, acl=acl, settings=settings) as running:
        more = {"username": "gw", "password_file": str(secret)}
        with listener(running.port, **more) as one:
            one.link.open()
            assert isinstance(one.next(), Refused)
            secret.write_text("secret\n")
            one.connect()
            one.link.publish("forbidden", b"", qos=1, retain=False, token=1)
            assert one.next() == Published(2, 1, 0x87, "Not authorized")


def _hashed(password: str) -> str:
    """Return a password as mosquitto 2 stores it: PBKDF2 of SHA-512."""
    salt, rounds = b"twelve bytes", 101
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    parts = [base64.b64encode(part).decode() for part in (salt, key)]
    return f"$7${rounds}${parts[0]}${parts[1]}"


def test_an_unreadable_password_file_is_refused(broker: Mosquitto) -> None:
    """A missing secret is a refusal with the file's name, not a dead thread."""
    more = {"username": "gw", "password_file": "/nonexistent/secret"}
    with listener(broker.port, **more) as one:
        one.link.open()
        event = one.next()
        assert isinstance(event, Refused)
        assert "/nonexistent/secret" in event.reason


def test_tls_with_certificates_on_both_sides(tmp_path: Path) -> None:
    """With its certificate a gateway gets in; without it, or to a stranger, not."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is absent: apt-get install openssl")
    authority = Authority(tmp_path / "ca")
    for words in (("init",), ("broker", "127.0.0.1"), ("client", "gateway")):
        authority.must(*words)
    files = {"cafile": "ca.crt", "certfile": "broker.crt", "keyfile": "broker.key"}
    settings = [f"{name} {authority.file(file)}" for name, file in files.items()]
    settings.append("require_certificate true")
    ours = authority.files("gateway")
    with Mosquitto(tmp_path / "b", settings=settings) as running:
        with listener(running.port, **ours) as one:
            one.connect()
            one.link.publish("a", b"x" * 100_000, qos=1, retain=False, token=3)
            event = one.next()
            assert isinstance(event, Published)
            assert event.token == 3
            one.link.drop()
            assert one.connect().attempt == 2
        for missing in ("tls_cert", "tls_ca"):
            less = {name: path for name, path in ours.items() if name != missing}
            with listener(running.port, **less) as two:
                two.link.open()
                assert isinstance(two.next(), Refused)


def test_a_broker_of_3_1_1_is_found_and_remembered() -> None:
    """Hung up on twice at version 5 and once more when 3.1.1 got through: it is old.

    It is spoken to so from then on.
    """
    with Iotcore() as old, listener(old.port) as one:
        told = []
        for _ in range(5):
            one.link.open()
            told.append(one.next())
        assert [type(event) for event in told] == [*[Refused] * 4, Connected]
        last = told[-1]
        assert isinstance(last, Connected)
        assert last.protocol is Protocol.V311
        assert last.receive_maximum == 65_535
        assert one.connect().protocol is Protocol.V311


def test_what_hangs_up_while_a_broker_is_down_makes_it_no_old_one(
    tmp_path: Path,
) -> None:
    """A forwarder accepts and hangs up; behind it the broker speaks version 5."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    front = socket.create_server(("127.0.0.1", 0))
    target: list[int] = []

    def forward() -> None:
        while True:
            try:
                conn, _ = front.accept()
            except OSError:
                return
            if not target:
                with contextlib.suppress(OSError), conn:
                    conn.recv(4096)
                continue
            back = socket.create_connection(("127.0.0.1", target[0]))
            for source, sink in ((conn, back), (back, conn)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    threading.Thread(target=forward, daemon=True).start()
    with front, listener(front.getsockname()[1]) as one:
        for _ in range(3):  # twice at version 5, then at 3.1.1
            one.link.open()
            assert isinstance(one.next(), Refused)
        with Mosquitto(tmp_path) as broker:
            target.append(broker.port)
            one.link.open()
            assert isinstance(one.next(), Refused)  # 3.1.1 gets through: a look
            assert one.connect().protocol is Protocol.V5


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError), source, sink:
        while data := source.recv(65_536):
            sink.sendall(data)


def test_a_refusal_of_the_version_switches_at_once() -> None:
    """A 3.1.1 broker that says «unacceptable protocol version» is asked in 3.1.1."""
    port = free_port()
    server = socket.create_server(("127.0.0.1", port))
    versions: list[int] = []

    def serve() -> None:
        for _ in range(2):
            conn, _ = server.accept()
            with conn:
                versions.append(conn.recv(4096)[8])
                code = 1 if versions[-1] == 5 else 0
                conn.sendall(bytes([0x20, 2, 0, code]))
                conn.recv(4096)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener(port) as one:
        one.link.open()
        refused = one.next()
        assert isinstance(refused, Refused)
        assert "protocol version" in refused.reason
        assert one.connect().protocol is Protocol.V311
    thread.join(SECONDS)
    server.close()
    assert versions == [5, 4]
