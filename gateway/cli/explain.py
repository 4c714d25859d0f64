"""`punchgate explain`: why a verdict is what it is, from clause to raw bytes."""

from datetime import timedelta
from typing import Annotated

import typer

from gateway.cli import people_source
from gateway.cli.app import ConfigOption, JsonOption, app, show_json
from gateway.cli.explain_json import as_json as json_of
from gateway.cli.explain_page import print_page
from gateway.cli.people_source import BookOption, PunchesOption
from gateway.cli.policy import LangOption, language
from gateway.explaining import explain

_DAY = timedelta(days=1)


@app.command("explain")
def show_explanation(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Id or name.")],
    date: Annotated[str, typer.Argument(metavar="DATE", help="The duty date.")],
    config: ConfigOption = None,
    book: BookOption = None,
    punches: PunchesOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why: rule, owed time, window, every punch and where it came from."""
    source = people_source.source(config, book, punches)
    rows = people_source.rows(source)
    who, day = people_source.person(rows, person), people_source.day(date, rows)
    with people_source.opened(source, day - _DAY, day + _DAY) as view:
        found = explain(view, who, day)
        if as_json:
            show_json(json_of(view, found))
        else:
            print_page(view, found, language(lang))
