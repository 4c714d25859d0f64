"""Where data files lie that come with punchgate: calendars and policies.

A site's own files stand beside its configuration and go before those that were
installed or lie in a checkout.
"""

import sys
from collections.abc import Sequence
from pathlib import Path


def folders(kind: str, beside: Path | None = None) -> Sequence[Path]:
    """Return the folders of `calendars` or `policies`, the site's own first.

    Args:
        kind: name of the folder.
        beside: folder of the configuration in use.
    """
    own = [] if beside is None else [beside]
    return [place / kind for place in (*own, *_shipped())]


def file(name: str) -> Path:
    """Return a file that comes with punchgate."""
    return next(place / name for place in _shipped() if (place / name).is_file())


def _shipped() -> tuple[Path, ...]:
    checkout = Path(__file__).parents[1] / "config"
    return checkout, Path(sys.prefix) / "share/punchgate/config"
