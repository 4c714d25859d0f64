"""What the demo runs on: its ports, and the real commands as child processes."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from gateway.cli.children import (
    Child,
    Port,
    broker_command,
    claim_port,
    command,
    wait_for_port,
)
from gateway.cli.demo_site import DemoTerminal
from gateway.clock import Story

BROKER = "broker"


class Stage:
    """Children by name, all by one story clock, each with a log file of its own.

    Args:
        folder: where logs and files are.
        story: the clock that every child gets.
    """

    def __init__(self, folder: Path, story: Story) -> None:
        self._folder = folder
        self._story = story
        self._ports: list[Port] = []
        self._children: dict[str, Child] = {}
        self.broker_dead = False

    def port(self, wanted: int) -> int:
        """Return a port that no other demo takes.

        Raises:
            ChildError: none can be had.
        """
        self._ports.append(claim_port(wanted))
        return self._ports[-1].number

    def start(
        self,
        name: str,
        arguments: list[str],
        heard: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Start a child; every line it says goes to `heard` too."""
        environment = os.environ | {"PUNCHGATE_STORY": str(self._story)}
        file = self._folder / f"{name}.log"
        child = Child(name, arguments, file, environment, heard)
        child.start()
        self._children[name] = child

    def start_broker(self, port: int) -> str:
        """Start a broker and wait until it listens; return which program it is.

        Raises:
            ChildError: there is none, or it does not listen.
        """
        name, arguments = broker_command(self._folder, port)
        self.start(BROKER, arguments)
        wait_for_port(port)
        self.broker_dead = False
        return name

    def kill_broker(self) -> None:
        """End the broker as a power cut would."""
        self._children[BROKER].kill()
        self.broker_dead = True

    def start_terminal(self, terminal: DemoTerminal) -> None:
        """Start a virtual terminal and wait until it listens.

        Raises:
            ChildError: it does not.
        """
        options = {
            "--serial": terminal.serial,
            "--attlog": str(terminal.attlog),
            "--users": str(terminal.users),
            "--port": str(terminal.port),
            "--layout": terminal.layout,
            "--timezone": "Asia/Shanghai",
        }
        arguments = [command(), "virtual"]
        for option, value in options.items():
            arguments += [option, value]
        self.start(terminal.id, arguments)
        wait_for_port(terminal.port)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a child a signal."""
        self._children[name].signal(number)

    def check(self) -> None:
        """See that everybody is there.

        Raises:
            ChildError: a child other than the broker has ended by itself.
        """
        for name, child in self._children.items():
            if name != BROKER:
                child.check()

    def stop(self) -> None:
        """End every child, the youngest first, and let go of the ports."""
        for child in reversed(self._children.values()):
            child.stop()
        for port in self._ports:
            port.release()
