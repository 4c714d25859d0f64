"""Lines of the demo as people see them: broken between words, not in the middle."""

import re
import shutil
import sys

from rich.cells import cell_len

from gateway.cli.app import say

_INDENT = " " * 12
_WORD = re.compile(r" *[^ ]+")


def show(text: str, *, strong: bool = False) -> None:
    """Print a line; on a terminal it is broken to its width, in a file it stays whole.

    Args:
        text: without any line break.
        strong: whether it stands out on a terminal.
    """
    if not sys.stdout.isatty():
        say(text)
        return
    broken = wrapped(text, shutil.get_terminal_size().columns)
    say(f"\x1b[1m{broken}\x1b[0m" if strong else broken)


def wrapped(text: str, width: int) -> str:
    """Break a line between words, further lines indented; `width` counts cells.

    A Chinese character takes two cells. A word longer than a line is left whole.
    """
    lines = [""]
    for word in _WORD.findall(text):
        if cell_len(lines[-1] + word) <= width or lines[-1] in {"", _INDENT}:
            lines[-1] += word
        else:
            lines.append(_INDENT + word.lstrip())
    return "\n".join(lines)
