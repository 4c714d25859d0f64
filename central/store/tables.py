"""The tables of the central store, alike on SQLite and PostgreSQL.

meta         who this store is: id, generation, version of these tables
ledger       which entries of which stream were received, as ranges; separate from the
             rows, because a punch that came through another gateway leaves no row
punch_rows   one row per punch id; the highest `rev` wins, how it first came stays
records      every other durable entry, as its JSON
quarantine   bytes put aside with the reason
punches      the view that other programs may rely on
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA = 1

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("site", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("head", Text),
)

IDENTITY = ("id", "serial", "badge", "at")
"""What a punch is, for ever."""

KNOWN = (
    "rev",
    "terminal",
    "person",
    "reason",
    "zone",
    "verify",
    "state",
    "work",
    "received_at",
    "offset_seconds",
    "source",
    "raw",
    "verify_code",
)
"""What is known of a punch; a higher `rev` knows better."""

FIRST_CAME = ("site", "gateway", "epoch", "seq", "stored_at")
"""How a punch first came here, for ever."""

punch_rows = Table(
    "punch_rows",
    metadata,
    Column("id", Text, primary_key=True),
    Column("serial", Text, nullable=False),
    Column("badge", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("terminal", Text, nullable=False),
    Column("person", Text),
    Column("reason", Text),
    Column("zone", Text, nullable=False),
    Column("verify", Text, nullable=False),
    Column("state", BigInteger, nullable=False),
    Column("work", BigInteger),
    Column("received_at", Text, nullable=False),
    Column("offset_seconds", Float),
    Column("source", Text, nullable=False),
    Column("raw", Text),
    Column("verify_code", BigInteger, nullable=False),
    Column("site", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("stored_at", Text, nullable=False),
    Index("punch_rows_person", "person", "at"),
)

records = Table(
    "records",
    metadata,
    Column("site", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("id", Text),
    Column("body", Text, nullable=False),
    Column("stored_at", Text, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    Column("times", BigInteger, nullable=False),
    UniqueConstraint("topic", "digest"),
)

VIEW = (
    "SELECT id, serial, badge, person, at, gateway, epoch, seq, received_at"
    " FROM punch_rows"
)
