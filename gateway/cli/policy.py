"""`punchgate policy`: the rules as a clerk reads them."""

import locale
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import policies
from gateway.cli.app import (
    USAGE,
    ConfigOption,
    JsonOption,
    app,
    config_path,
    fail,
    say,
    show_json,
)
from gateway.core.book.cells import to_json
from gateway.core.book.row_checks import is_file
from gateway.core.policy import Policy, open_ambiguities, page
from gateway.errors import ConfigError

policy_app = typer.Typer(
    help="The written rules: clauses, amounts, and how open places are read.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(policy_app, name="policy")


class Lang(StrEnum):
    """Languages for people."""

    ZH = "zh"
    EN = "en"


LangOption = Annotated[
    Lang | None,
    typer.Option("--lang", help="Else that of the locale.", show_default=False),
]


def language(given: Lang | None) -> Lang:
    """Return the language to speak: as asked, else that of the locale."""
    spoken = locale.getlocale()[0] or ""
    return given or (Lang.ZH if spoken.startswith("zh") else Lang.EN)


@policy_app.command()
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE", show_default=False)
    ] = None,
    lang: LangOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a rule and what its owner should confirm; without a name, list them."""
    beside = config_path(config).parent
    if name is None:
        _list(beside, as_json=as_json)
        return
    policy = _loaded(name, beside)
    if as_json:
        show_json(_as_json(policy))
        return
    say("\n".join(page(policy, language(lang))))


def _list(beside: Path, *, as_json: bool) -> None:
    found = [_loaded(name, beside) for name in sorted(policies.names(beside))]
    rows = [
        {"id": one.id, "version": one.version, "from": one.file.from_.isoformat()}
        for one in found
    ]
    if as_json:
        show_json(rows)
        return
    for one, row in zip(found, rows, strict=True):
        opened = len(open_ambiguities(one))
        say(f"{row['id']}  {row['version']}  {one.file.title.zh}  open: {opened}")


def _loaded(name: str, beside: Path) -> Policy:
    """Read a policy; a file is looked for from here, a name where policies lie."""
    try:
        return policies.load(name, Path() if is_file(name) else beside)
    except ConfigError as error:
        fail(f"no policy can be shown:\n{error}", USAGE)


def _as_json(policy: Policy) -> dict[str, Any]:
    return {
        "id": policy.id,
        "version": policy.version,
        "digest": policy.digest,
        "policy": to_json(policy.file),
        "prices": {kind: to_json(price) for kind, price in policy.prices.items()},
        "limits": {name: to_json(limit) for name, limit in policy.limits.items()},
        "open": [to_json(one) for one in open_ambiguities(policy)],
    }
