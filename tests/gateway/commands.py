"""The command as a child process, and a virtual terminal as another one."""

import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.processes import COMMAND

SECONDS = 60
Done = subprocess.CompletedProcess[str]


def run(*arguments: str | Path, **environment: str) -> Done:
    """Run `punchgate` to its end with these variables added."""
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=os.environ | environment,
    )


@contextmanager
def virtual(attlog: Path, *options: str, **environment: str) -> Iterator[str]:
    """Give the address of a virtual terminal whose memory is `attlog`."""
    own = ["--serial", "VT00000001", "--attlog", str(attlog), "--port", "0"]
    child = subprocess.Popen(
        [COMMAND, "virtual", *own, *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    assert child.stdout is not None
    try:
        ready = child.stdout.readline()
        assert ready.startswith("ready tcp="), ready
        yield f"127.0.0.1:{ready.split()[1].removeprefix('tcp=')}"
    finally:
        child.terminate()
        code = child.wait(SECONDS)
        child.stdout.close()
    assert code == 0


class _BadRequest(socketserver.BaseRequestHandler):
    """Answers what is no HTTP as web servers do."""

    def handle(self) -> None:
        self.request.recv(1024)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@contextmanager
def web_server(host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Give the address of something that is no terminal."""
    server = socketserver.ThreadingTCPServer((host, port), _BadRequest)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
