"""Another process with a journal: `child.py MODE FOLDER`, see `main`."""

import resource
import sys
from functools import partial
from pathlib import Path

from gateway.errors import StoreError
from gateway.store import raw
from gateway.store.journal import FILE, Journal
from gateway.store.seen import Seen
from tests.builders import records


def fill(journal: Journal) -> None:
    """Write until the disk is full; say what is committed and what is told to whom."""
    seen = Seen()
    committed = 0
    pieces = records(20_000)
    try:
        for start in range(0, len(pieces), 100):
            piece = pieces[start : start + 100]
            journal.submit(partial(raw.store, records=piece, before=seen)).result()
            committed += len(piece)
    except StoreError as error:
        print(f"full {committed} {error}")
    for _ in range(2):
        later = journal.submit(lambda _: 1)
        print(f"later {type(later.exception(10)).__name__}")
    print(f"failure {type(journal.failure).__name__}")


def main(mode: str, folder: Path) -> None:
    """Work on the journal.

    `hold` keeps it open until standard input ends; `kill` keeps rows in it and waits
    to be killed; `full` allows files of 512 KiB and writes more; `pages` lets SQLite
    itself say that the disk is full; `start-full` allows no byte to be written.
    """
    if mode == "start-full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    journal = Journal(folder, "1.2.3")
    try:
        journal.open()
    except StoreError as error:
        print(f"refused {error}")
        return
    if mode == "kill":
        seen = Seen()
        journal.submit(lambda db: raw.store(db, records(10), seen)).result()
    print("open", flush=True)
    if mode == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, resource.RLIM_INFINITY))
    if mode == "pages":
        journal.submit(lambda db: db.execute("PRAGMA max_page_count = 100")).result()
    if mode in ("full", "pages"):
        fill(journal)
    else:
        sys.stdin.read()
    journal.close()
    print(f"closed {(folder / FILE).exists()}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
