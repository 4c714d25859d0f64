"""The journal's tables as migrations, and the refusal of a journal from the future.

raw       what a terminal said, never changed: the key is (serial, record, occurrence);
          `generation` is the last state of the log in which the record was seen, 0 of
          a file, -1 once a full log dropped it to take others
cursors   how far each log has been read; moves only after the rows are committed
punches   one row per punch id, as the book knows it today, with the log (driver and
          generation) of the raw row it came first from
outcomes  what became of every other raw row: a repeat of a punch, or a rejection
sightings later readings of a punch whose codes differ from the stored ones
outbox    one row = one entry = one seq = one topic; hash-chained per epoch
epochs    the streams; the last one is written, up to `acked_seq` the centre confirmed,
          up to `pruned_seq` entries are deleted
generations  each state of a terminal's log, from clear to clear, and why it began
clocks    what a terminal's clock was off by, whenever that changed, and every hour
slots     which badge stood behind a slot since when, for records that name slots only
verdicts  the last verdict on each session, its revision, and the digest of what it says
watermarks  the moment until which each terminal was read, as verdicts rested on it
happenings  operations at terminals, their record counts, links up and down
running   the running products of the pair process, twice; `suspected` in meta says
          which copy counts
cases     the last word on each suspicion, its revision, and the digest of what it says
labels    what people decided of cases, never changed
meta      version of the writer, clean stop, session counter, digest of the book, the
          last raw row that was interpreted, the terminals whose log is still to be read
          whole, the logs of which it was said that they drop their oldest
"""

from sqlite_utils import Database
from sqlite_utils.db import Table
from sqlite_utils.migrations import Migrations

from gateway.errors import NewerJournalError

migrations = Migrations("punchgate.journal")

OF_LOG = "serial = ? AND driver = ? AND generation = ? AND generation != 0"
"""The rows of a log; that it is none of a file lets SQLite use the index of logs."""

OF_FORMER_LOGS = "serial = ? AND driver = ? AND generation < ? AND generation != 0"
"""The rows of what a log was before it was cleared or changed."""

INTERPRETED = "interpreted"
"""Key of `meta`: the raw row up to which rows were made punches, or none."""


def table(db: Database, name: str) -> Table:
    """Return a table of the journal."""
    return db.table(name)


@migrations(name="0001_first")
def _first(db: Database) -> None:
    table(db, "raw").create(
        {
            "id": int,
            "serial": str,
            "record": bytes,
            "occurrence": int,
            "terminal": str,
            "driver": str,
            "source": str,
            "position": int,
            "badge": str,
            "at": str,
            "verify": int,
            "state": int,
            "work": int,
            "received_at": str,
            "offset_seconds": float,
        },
        pk="id",
        not_null={"serial", "record", "occurrence", "terminal", "driver"},
    ).create_index(["serial", "record", "occurrence"], unique=True)
    table(db, "cursors").create(
        {
            "serial": str,
            "terminal": str,
            "driver": str,
            "position": int,
            "anchor": bytes,
            "in_terminal": int,
            "offset_seconds": float,
            "read_at": str,
        },
        pk="serial",
    )
    table(db, "outcomes").create(
        {
            "raw_id": int,
            "serial": str,
            "driver": str,
            "outcome": str,
            "punch": str,
            "reason": str,
        },
        pk="raw_id",
        foreign_keys=[("raw_id", "raw", "id")],
    )
    table(db, "punches").create(
        {
            "id": str,
            "serial": str,
            "terminal": str,
            "badge": str,
            "person": str,
            "reason": str,
            "at": str,
            "zone": str,
            "verify": str,
            "verify_code": int,
            "state": int,
            "work": int,
            "received_at": str,
            "offset_seconds": float,
            "source": str,
            "raw": bytes,
            "rev": int,
            "epoch": int,
            "seq": int,
        },
        pk="id",
    ).create_index(["serial", "epoch", "seq"])
    table(db, "sightings").create(
        {
            "raw_id": int,
            "punch": str,
            "verify_code": int,
            "state": int,
            "work": int,
        },
        pk="raw_id",
    )
    table(db, "epochs").create(
        {
            "id": int,
            "name": str,
            "opened_at": str,
            "reason": str,
            "head_seq": int,
            "head_hash": str,
            "acked_seq": int,
            "acked_hash": str,
            "store": str,
            "generation": int,
        },
        pk="id",
    )
    table(db, "outbox").create(
        {
            "epoch": int,
            "seq": int,
            "kind": str,
            "punch": str,
            "entry": bytes,
            "prev": str,
            "hash": str,
            "created_at": str,
        },
        pk=("epoch", "seq"),
    )


@migrations(name="0002_generations")
def _generations(db: Database) -> None:
    for name in ("raw", "outcomes", "cursors"):
        table(db, name).add_column("generation", int, not_null_default=1)
    table(db, "raw").create_index(["serial", "driver", "generation"])
    table(db, "outcomes").create_index(["serial", "driver", "generation", "outcome"])
    table(db, "punches").add_column("raw_id", int)
    table(db, "generations").create(
        {
            "serial": str,
            "generation": int,
            "opened_at": str,
            "reason": str,
            "position": int,
            "in_terminal": int,
        },
        pk=("serial", "generation"),
    )
    table(db, "clocks").create(
        {"id": int, "serial": str, "measured_at": str, "offset_seconds": float},
        pk="id",
    ).create_index(["serial", "id"])
    table(db, "slots").create(
        {"serial": str, "slot": int, "badge": str, "since": str}
    ).create_index(["serial"])
    db.create_view(
        "places",
        "SELECT punches.serial, punches.epoch, punches.seq, outcomes.driver,"
        " outcomes.generation FROM punches"
        " JOIN outcomes ON outcomes.raw_id = punches.raw_id",
    )


@migrations(name="0003_delivery")
def _delivery(db: Database) -> None:
    # Which entries of an epoch were deleted after their confirmation: 1 to here.
    table(db, "epochs").add_column("pruned_seq", int, not_null_default=0)
    table(db, "punches").create_index(["serial", "at"])


@migrations(name="0004_verdicts")
def _verdicts(db: Database) -> None:
    table(db, "verdicts").create(
        {
            "id": str,
            "person": str,
            "date": str,
            "rev": int,
            "final": int,
            "digest": str,
            "body": bytes,
        },
        pk="id",
        not_null={"person", "date", "rev", "final", "digest", "body"},
    ).create_index(["person", "date"])
    table(db, "verdicts").create_index(["final", "date"])
    table(db, "watermarks").create({"serial": str, "read_until": int}, pk="serial")
    table(db, "punches").create_index(["person", "at"])


@migrations(name="0005_places")
def _places(db: Database) -> None:
    # A row of `outcomes` for every ordinary punch cost a fifth of the time of storing
    # it, and said only what the punch itself can say.
    table(db, "punches").add_column("driver", str)
    table(db, "punches").add_column("generation", int)
    db.execute(
        "UPDATE punches SET (raw_id, driver, generation) ="
        " (SELECT raw_id, driver, generation FROM outcomes"
        " WHERE outcomes.punch = punches.id AND outcome = 'punch')"
    )
    table(db, "meta").create({"key": str, "value": str}, pk="key", if_not_exists=True)
    last = db.execute("SELECT max(raw_id) FROM outcomes").fetchone()[0]
    put(db, INTERPRETED, str(last or 0))
    table(db, "outcomes").delete_where("outcome = 'punch'")
    db.view("places").drop()
    db.execute("DROP INDEX idx_punches_serial_epoch_seq")
    table(db, "punches").create_index(
        ["serial", "driver", "generation", "epoch", "seq"]
    )


@migrations(name="0006_suspicions")
def _suspicions(db: Database) -> None:
    table(db, "happenings").create(
        {
            "id": int,
            "serial": str,
            "terminal": str,
            "kind": str,
            "received_at": str,
            "at": str,
            "code": int,
            "admin": str,
            "target": str,
            "value": int,
            "record": bytes,
            "occurrence": int,
        },
        pk="id",
        not_null={"serial", "terminal", "kind", "received_at"},
    ).create_index(["serial", "record", "occurrence"], unique=True)
    table(db, "happenings").create_index(["serial", "kind"])
    table(db, "happenings").create_index(["received_at"])
    table(db, "running").create(
        {"copy": int, "number": int, "part": str, "body": str},
        pk=("copy", "number"),
        not_null={"part", "body"},
    )
    table(db, "cases").create(
        {
            "id": str,
            "rev": int,
            "grade": str,
            "status": str,
            "digest": str,
            "body": bytes,
            "known": str,
        },
        pk="id",
        not_null={"rev", "grade", "status", "digest", "body", "known"},
    )
    table(db, "labels").create(
        {"id": int, "case": str, "review": str}, pk="id", not_null={"case", "review"}
    ).create_index(["case"])


@migrations(name="0007_logs")
def _logs(db: Database) -> None:
    # What came by file is of no terminal's log: to have it in the indices that count
    # logs cost a tenth of the time of storing it.
    for name, *columns in (
        ("raw", "serial", "driver", "generation"),
        ("punches", "serial", "driver", "generation", "epoch", "seq"),
    ):
        index = f"idx_{name}_{'_'.join(columns)}"
        db.execute(f"DROP INDEX {index}")
        db.execute(
            f"CREATE INDEX {index} ON {name} ({', '.join(columns)})"
            " WHERE generation != 0"
        )


def migrate(db: Database, version: str) -> None:
    """Bring a journal to this version's tables.

    Raises:
        NewerJournalError: when it has migrations this version does not know.
    """
    with Database(memory=True) as empty:
        known = {migration.name for migration in migrations.pending(empty)}
    newer = [step.name for step in migrations.applied(db) if step.name not in known]
    if newer:
        raise NewerJournalError(
            f"the journal was written by punchgate {get(db, 'version')}, this is"
            f" {version} and does not know {', '.join(newer)}; install"
            f" {get(db, 'version')} or newer, nothing was changed"
        )
    migrations.apply(db)
    table(db, "meta").create({"key": str, "value": str}, pk="key", if_not_exists=True)
    put(db, "version", version)


def get(db: Database, key: str) -> str | None:
    """Read a value of `meta`."""
    if not table(db, "meta").exists():
        return None
    found = table(db, "meta").rows_where("key = ?", [key])
    return next((str(row["value"]) for row in found), None)


def put(db: Database, key: str, value: str) -> None:
    """Write a value of `meta`."""
    table(db, "meta").upsert({"key": key, "value": value}, pk="key")
