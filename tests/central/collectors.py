"""A collector in a thread of its own."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from central.collector import Collector
from central.settings import CentralSettings
from central.store.errors import StoreError
from sync.link import Broker


def now() -> str:
    """Return the wall clock as the collector wants it."""
    return datetime.now(UTC).isoformat()


class Centre:
    """Runs a collector over a store in a folder."""

    def __init__(
        self, port: int, folder: Path, stand_seconds: float = 10.0, **changes: object
    ) -> None:
        values = {
            "id": "central-1",
            "store": f"sqlite:///{folder / 'central.db'}",
            "mqtt": Broker("127.0.0.1", port, "central-1"),
            "sites": ("s1", "s2"),
            "reconnect_max_seconds": 0.3,
        }
        settings = CentralSettings(**{**values, **changes})  # type: ignore[arg-type]
        self.collector = Collector(settings, now, stand_seconds=stand_seconds)
        self.failed: StoreError | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self.collector.stop()
        self.thread.join(30)
        assert not self.thread.is_alive()

    def _run(self) -> None:
        try:
            self.collector.run()
        except StoreError as error:
            self.failed = error
