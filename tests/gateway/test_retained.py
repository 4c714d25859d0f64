"""What is published of a terminal, and when: nothing twice, nothing half."""

import json
from pathlib import Path

import pytest

from gateway.poller import Standing
from gateway.retained import Retained
from gateway.settings import Loaded, load
from gateway.store.drain import Reader
from gateway.store.journal import FILE
from gateway.store.outbox import interpret
from tests.builders import NOW, STAMP, meaning, records
from tests.gateway.store.journals import do, keep, opened

_BOOK = """version = "1"
[site]
id = "hq"
[[terminals]]
id = "lobby"
serial = "VT00000001"
"""
_SETTINGS = """[gateway]
id = "gw-1"
site = "hq"
data_dir = "data"
book = "book.toml"
[mqtt]
host = "127.0.0.1"
port = 1883
[[terminals]]
id = "lobby"
host = "127.0.0.1"
"""


class Seen:
    """What a daemon knows, as the test has it, and what was published."""

    def __init__(self, folder: Path) -> None:
        (folder / "book.toml").write_text(_BOOK, "utf-8")
        (folder / "gateway.toml").write_text(_SETTINGS, "utf-8")
        self.loaded: Loaded = load(folder / "gateway.toml")
        self.sent_upto = 0
        self.known = Standing()
        self.half_read = False
        self.published: list[tuple[str, dict[str, object]]] = []

    def standing(self, _: str) -> Standing:
        """Return what is known of the terminal."""
        return self.known

    def is_half_read(self, _: str) -> bool:
        """Return what the test says."""
        return self.half_read

    def publish(self, topic: str, payload: bytes) -> None:
        """Keep what was published."""
        self.published.append((topic, json.loads(payload)))


def test_nothing_is_told_of_half_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not add up; a terminal that failed in the middle is told."""
    now = [0.0]
    monkeypatch.setattr("gateway.retained.time.monotonic", lambda: now[0])
    seen = Seen(tmp_path)
    with opened(tmp_path) as journal:
        do(journal, lambda db: keep(db, records(3)))
        do(journal, lambda db: interpret(db, 0, 9, meaning(), STAMP))
        reader = Reader(tmp_path / FILE)
        reader.open()
        retained = Retained(seen, reader, lambda: NOW)

        def told(*, changed: bool = False) -> list[tuple[object, object, object]]:
            now[0] += 60.0
            seen.published.clear()
            if changed:
                retained.tell("lobby")
            else:
                retained.refresh(["lobby"])
            return [
                (topic, said["online"], said["equation"])
                for topic, said in seen.published
            ]

        topic = "terminal/VT00000001"
        fine, broken = (
            {"holds": term is None, "term": term}
            for term in (None, "downloaded = stored")
        )
        seen.half_read = True
        assert told() == []
        assert [line["stored"] for line in retained.lines()] == [3]
        seen.known = Standing(error="timeout")
        assert told(changed=True) == [(topic, False, broken)]
        seen.known = Standing(online=True, in_terminal=3, downloaded=3, last_read="x")
        assert told(changed=True) == []
        seen.half_read = False
        assert told() == [(topic, True, fine)]
        assert told() == []
        seen.sent_upto = 2
        assert told() == [(topic, True, fine)]
        reader.close()
