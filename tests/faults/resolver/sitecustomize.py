"""A resolver for one name, for processes started with this folder in PYTHONPATH.

The file that PUNCHGATE_TEST_NAMES names says what `broker.test` is: an address, nothing
(the name does not exist), or `wait SECONDS` (the resolver does not answer for so long).
All other names are looked up as ever.
"""

import os
import socket
import time
from pathlib import Path
from typing import Any

NAME = "broker.test"
_ask = socket.getaddrinfo


def _answer(host: Any, *arguments: Any, **options: Any) -> Any:
    if host != NAME:
        return _ask(host, *arguments, **options)
    said = Path(os.environ["PUNCHGATE_TEST_NAMES"]).read_text("utf-8").split()
    if said[:1] == ["wait"]:
        time.sleep(float(said[1]))
        said = []
    if not said:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _ask(said[0], *arguments, **options)


socket.getaddrinfo = _answer
