"""`punchgate month`: what a person, or everybody of a vendor, comes to in a month."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from gateway import month_sheet, people_view
from gateway.cli import people_source
from gateway.cli.app import USAGE, ConfigOption, JsonOption, app, fail, show_json
from gateway.cli.month_page import (
    person_json,
    print_person,
    print_vendor,
    vendor_json,
)
from gateway.cli.people_source import BookOption, PunchesOption, Source
from gateway.cli.policy import Lang, LangOption, language
from gateway.core.book import Book
from gateway.month_list import month as month_of_person
from gateway.month_list import month_of, months


@app.command("month")
def show_month(
    person: Annotated[
        str | None, typer.Argument(metavar="[PERSON]", help="Id or name.")
    ] = None,
    vendor: Annotated[
        str | None, typer.Option(help="Everybody of this vendor, by id or name.")
    ] = None,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="Else the present one.")
    ] = None,
    xlsx: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a spreadsheet too.")
    ] = None,
    config: ConfigOption = None,
    book: BookOption = None,
    punches: PunchesOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a month: each duty with signs, findings and amounts, and totals."""
    source = people_source.source(config, book, punches)
    rows = people_source.rows(source)
    asked = _Asked(source, rows, *_period(month, rows), xlsx, language(lang), as_json)
    if person is not None and vendor is None:
        _person(asked, person)
    elif vendor is not None and person is None:
        _vendor(asked, vendor)
    else:
        fail("name a person, or everybody of a --vendor", USAGE)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for, whoever it is about."""

    source: Source
    book: Book
    first: date
    last: date
    xlsx: Path | None
    lang: Lang
    as_json: bool


def _period(text: str | None, book: Book) -> tuple[date, date]:
    try:
        return month_of(text or f"{people_source.today(book):%Y-%m}")
    except ValueError:
        fail(f"--month {text!r} is no month like 2026-11", USAGE)


def _person(asked: _Asked, name: str) -> None:
    person = people_source.person(asked.book, name)
    with people_source.opened(asked.source, asked.first, asked.last) as view:
        found = month_of_person(view, person, asked.first, asked.last)
    if asked.xlsx:
        _sheet(asked.xlsx, lambda path: month_sheet.of_person(path, found))
    if asked.as_json:
        show_json(person_json(found, view.zone))
    else:
        print_person(found, asked.lang)


def _vendor(asked: _Asked, name: str) -> None:
    vendor = people_view.vendor_of(asked.book, name)
    if vendor is None:
        fail(f"the book knows no vendor called {name!r}")
    with people_source.opened(asked.source, asked.first, asked.last) as view:
        found = months(view, vendor.id, asked.first, asked.last)
    if asked.xlsx:
        _sheet(asked.xlsx, lambda path: month_sheet.of_vendor(path, vendor.name, found))
    if asked.as_json:
        show_json(vendor_json(vendor.id, asked.first, found))
    else:
        print_vendor(
            f"{vendor.name} ({vendor.id}) {asked.first:%Y-%m}", found, asked.lang
        )


def _sheet(path: Path, write: Callable[[Path], None]) -> None:
    try:
        write(path)
    except month_sheet.SheetError as error:
        fail(f"{path} {error}")
    if not sys.stderr.isatty():
        return
    sys.stderr.write(f"{path} written\n")
