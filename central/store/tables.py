"""The tables of the central store, alike on SQLite and PostgreSQL.

meta         who this store is: id, generation, version of these tables
ledger       which entries of which stream were received, as ranges; separate from the
             rows, because a punch that came through another gateway leaves no row
closed       ranges of a stream that were booked without having come, why, and when
             somebody took note of that
streams      of each stream: when it began, when something came last, how long it has
             had holes
punch_rows   one row per punch id; the highest `rev` wins, how it first came stays
sightings    the same punch once more through another stream: who saw it when
records      every other durable entry: its JSON, and what it can be found by
reconciled   the newest comparison of each terminal and day with its gateway
gateways     what each gateway last said of itself
quarantine   bytes put aside with the reason
punches      the view that other programs may rely on
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

SCHEMA = 3

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

closed = Table(
    "closed",
    metadata,
    Column("site", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("fate", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("accepted_at", Text),
)

streams = Table(
    "streams",
    metadata,
    Column("site", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("first_at", Text, nullable=False),
    Column("stored_at", Text, nullable=False),
    Column("holes_since", Text),
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

SEEN = ("received_at", "offset_seconds", "source")
"""How a stream saw a punch; of the first one it stays, of others it is a sighting."""

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
    Index("punch_rows_serial", "serial", "at"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("stored_at", Text, nullable=False),
)

UNANSWERED = "entry_kind = 'day_counts' AND answered_at IS NULL"
"""Which records still wait for a comparison and its answer."""

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
    Column("rev", BigInteger),
    Column("entry_kind", Text),
    Column("person", Text),
    Column("date", Text),
    Column("terminal", Text),
    Column("serial", Text),
    Column("at", Text),
    Column("answered_at", Text),
    Index("records_person", "person", "date"),
    Index(
        "records_unanswered",
        "entry_kind",
        sqlite_where=text(UNANSWERED),
        postgresql_where=text(UNANSWERED),
    ),
)

reconciled = Table(
    "reconciled",
    metadata,
    Column("site", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("serial", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("terminal", Text, nullable=False),
    Column("there_count", BigInteger, nullable=False),
    Column("there_digest", Text, nullable=False),
    Column("here_count", BigInteger, nullable=False),
    Column("here_digest", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("at", Text, nullable=False),
)

gateways = Table(
    "gateways",
    metadata,
    Column("site", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("online", Boolean, nullable=False),
    Column("since", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("backlog", BigInteger, nullable=False),
    Column("oldest_age_seconds", Float),
    Column("version", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("heard_at", Text, nullable=False),
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
    Column("epoch", Text),
    Column("stored_at", Text),
    UniqueConstraint("topic", "digest"),
)

VIEW = (
    "SELECT id, serial, badge, person, at, gateway, epoch, seq, received_at"
    " FROM punch_rows"
)
