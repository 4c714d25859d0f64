"""The application, its exit codes, and what every command shares.

Exit codes: 0 ok, 1 a problem was found, 2 usage or configuration error.
"""

import json
import os
import struct
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from gateway.clock import Now, Story, real_now

PROBLEM = 1
USAGE = 2
_POINTER_BYTES_64 = 8

app = typer.Typer(
    name="punchgate",
    help="Attendance gateway: ZKTeco terminals to a central store, nothing lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "-c",
        "--config",
        metavar="FILE",
        help="Configuration; else $PUNCHGATE_CONFIG, else the one in /etc/punchgate.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON document on standard output.")
]


@app.callback()
def check_machine() -> None:
    """Attendance gateway: ZKTeco terminals to a central store, nothing lost."""
    if struct.calcsize("P") < _POINTER_BYTES_64:
        fail(
            "this is a 32-bit system; punchgate needs a 64-bit Debian or Raspberry"
            " Pi OS",
            USAGE,
        )


def config_path(given: Path | None, name: str = "gateway.toml") -> Path:
    """Return the configuration file to use."""
    return given or Path(os.environ.get("PUNCHGATE_CONFIG") or f"/etc/punchgate/{name}")


def now_of_process() -> Now:
    """Return the real clock, or the story's where a demo started this process."""
    story = os.environ.get("PUNCHGATE_STORY")
    try:
        return Story.parse(story).now if story else real_now
    except ValueError as error:
        fail(f"PUNCHGATE_STORY {story!r}: {error}", USAGE)


def fail(message: str, code: int = PROBLEM) -> NoReturn:
    """Say on standard error what is wrong and end with `code`."""
    sys.stderr.write(f"punchgate: {message}\n")
    raise typer.Exit(code)


def show_json(value: Any) -> None:
    """Print one JSON document and nothing else on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def say(text: str = "") -> None:
    """Print a line for people, at once: also through a pipe it is news."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
