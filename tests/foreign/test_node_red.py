"""Node-RED with the documented flow shows punches, and which terminals are there."""

import http.client
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import free_port
from tests.end_to_end.processes import SERIAL, Site, until
from tests.foreign.npm import installed

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

FLOW = Path(__file__).parents[2] / "docs" / "examples" / "node-red-flow.json"
PACKAGES = ("node-red@4.1.8",)
SETTINGS = """module.exports = {{
    uiHost: "127.0.0.1",
    uiPort: {port},
    userDir: {folder},
    flowFile: "flows.json",
    telemetry: {{ enabled: false, updateNotification: false }},
}};
"""


@pytest.fixture(scope="session")
def packages() -> Path:
    """Install Node-RED with npm, once; skip in words where that cannot be."""
    return installed("node-red", PACKAGES, seconds=400)


class NodeRed:
    """A running Node-RED, asked over HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port

    def shows(self) -> dict[str, Any]:
        """Return what the flow's page says, nothing while there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", "/punchgate")
            answer = connection.getresponse()
            text = answer.read()
        except OSError:
            return {}
        finally:
            connection.close()
        found: dict[str, Any] = json.loads(text) if answer.status == 200 else {}
        return found

    def punches(self) -> dict[str, dict[str, Any]]:
        """Return id → punch."""
        return {one["id"]: one for one in self.shows().get("punches", ())}

    def available(self) -> dict[str, bool]:
        """Return serial → whether the terminal is there."""
        terminals = self.shows().get("terminals", ())
        return {one["serial"]: one["available"] for one in terminals}


@contextmanager
def node_red(packages: Path, folder: Path, broker_port: int) -> Iterator[NodeRed]:
    """Start Node-RED with the flow, changed in nothing but the broker's port."""
    folder.mkdir()
    flow = json.loads(FLOW.read_text("utf-8"))
    (broker,) = [node for node in flow if node["type"] == "mqtt-broker"]
    broker |= {"broker": "127.0.0.1", "port": str(broker_port)}
    (folder / "flows.json").write_text(json.dumps(flow), "utf-8")
    port = free_port()
    settings = SETTINGS.format(port=port, folder=json.dumps(str(folder)))
    (folder / "settings.js").write_text(settings, "utf-8")
    script = packages / "node_modules" / "node-red" / "red.js"
    with (folder / "node-red.log").open("wb") as log:
        child = subprocess.Popen(
            ["node", str(script), "--settings", str(folder / "settings.js")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        found = NodeRed(port)
        deadline = time.monotonic() + 120
        while not found.shows():
            said = (folder / "node-red.log").read_text("utf-8", "replace")
            assert child.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.1)
        yield found
    finally:
        child.terminate()
        child.wait(30)


def test_the_flow_shows_punches_and_who_is_there(
    packages: Path, site: Site, tmp_path: Path
) -> None:
    """What was retained is shown at once; a dead gateway takes its terminals along."""
    for process in (site.virtual, site.collector):
        process.start()
    site.reads()
    until(lambda: site.status()["terminals"][0]["online"], "the terminal")
    with node_red(packages, tmp_path / "red", site.gateway_broker_port) as red:
        until(lambda: red.available() == {SERIAL: True}, "the retained words")
        ids = {site.punch(badge) for badge in ("1001", "9999", "工号")}
        until(lambda: set(red.punches()) == ids, "every punch")
        assert {one["badge"] for one in red.punches().values()} == {
            *("1001", "9999", "工号")
        }
        site.write([*map(str, range(1000, 1030)), "9999"])  # now the badge is known
        until(
            lambda: all(
                one["person"]
                for one in red.punches().values()
                if one["badge"] == "9999"
            ),
            "the same punch with its person",
        )
        assert set(red.punches()) == ids
        site.daemon.end(signal.SIGKILL)
        until(lambda: red.available() == {SERIAL: False}, "the will")
        site.reads()
        until(lambda: red.available() == {SERIAL: True}, "its return")
        site.virtual.end(signal.SIGKILL)
        until(lambda: red.available() == {SERIAL: False}, "the terminal's end", 60)
