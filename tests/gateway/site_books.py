"""Books as a centre sends them."""

import tomllib
from typing import Any

from gateway.core import redaction
from sync.commands import SiteBook
from sync.messages import encode
from tests.builders import BOOK, STAMP


def site_book(text: str = BOOK, version: str | None = None, **changes: Any) -> bytes:
    """Return the message of a book; `changes` are put over its fields afterwards."""
    data = tomllib.loads(text)
    tables = redaction.redacted(data)
    values = {
        "site": tables["site"]["id"],
        "version": data["version"] if version is None else version,
        "digest": redaction.digest(tables),
        "tables": tables,
        "sent": STAMP,
    }
    return encode(SiteBook(**{**values, **changes}))
