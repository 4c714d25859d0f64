"""The book of one site: who must be where, and who has which badge.

People write book.toml; what happens day by day comes as lines of entries.jsonl beside
it. Reading reports every problem of both at once and never gives a half-read book.
Finding, case and ruling ids and other sites are not the book's to resolve.
"""

from gateway.core.book.difference import changes, digest
from gateway.core.book.index import Assignment, Book
from gateway.core.book.reading import BUILT, ENTRIES, read_book
from gateway.core.book.standing import ANY_TERMINAL, BookTerminal, Enrolment, Person
from gateway.core.book.tables import TABLES, Rows

__all__ = [
    "ANY_TERMINAL",
    "BUILT",
    "ENTRIES",
    "TABLES",
    "Assignment",
    "Book",
    "BookTerminal",
    "Enrolment",
    "Person",
    "Rows",
    "changes",
    "digest",
    "read_book",
]
