"""`leadkeeper config`: every setting, its value and where it came from."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from leadkeeper.config import Settings

MASK = "********"
WIDTH = 250


def config(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print every setting and where it came from; secrets are masked.

    Values come from the environment, then `.env`, then what was saved on the page /settings. Example: leadkeeper config --json
    """
    from leadkeeper import config as settings_of
    from leadkeeper.errors import Misconfigured

    problem = None
    try:
        settings = settings_of.load()
    except Misconfigured as error:
        problem, settings = error.message, settings_of.Settings.model_construct()
    if problem is None:
        rows, note = _stored(settings)
        listed = listing(settings, rows)
    else:
        listed, note = _given(), ""
    if as_json:
        typer.echo(json.dumps({"ok": problem is None, "error": problem, "settings": listed}, indent=2, ensure_ascii=False))
    else:
        _print(listed, note)
    if problem is not None:
        typer.secho(f"✗ {problem}", fg="red", err=True)
        raise typer.Exit(1)


def listing(settings: "Settings", rows: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, value in force, source and meaning of every setting, in the order of `Settings`."""
    from leadkeeper.config import PREFIX, Settings, effective, source_of

    shown = effective(settings, rows)
    return [
        {
            "name": PREFIX + name.upper(),
            "value": masked(shown.database if name == "database_url" else getattr(shown, name)),
            "source": _source(source_of(settings, name, rows), name),
            "about": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]


def _source(source: str, name: str) -> str:
    """`environment` told apart from `.env`: both set a field of `Settings`."""
    import os

    from leadkeeper.config import PREFIX, Settings

    alias = Settings.model_fields[name].validation_alias
    names = {str(choice) for choice in getattr(alias, "choices", ())} or {PREFIX + name.upper()}
    return ".env" if source == "environment" and not names & os.environ.keys() else source


def masked(value: Any) -> Any:
    """A value fit for a screen: secrets and passwords inside addresses are masked."""
    from pydantic import SecretStr
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if isinstance(value, str) and "://" in value and "@" in value:
        try:
            return make_url(value).render_as_string(hide_password=True)
        except (ArgumentError, ValueError):
            return _masked_servers(value)
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _masked_servers(value: str) -> str:
    """An address of several database servers; what is none is not shown at all."""
    from leadkeeper.errors import Misconfigured
    from leadkeeper.store.address import parse_url

    try:
        return parse_url(value).set(drivername="postgresql").render_as_string(hide_password=True)
    except Misconfigured:
        return MASK


def _stored(settings: "Settings") -> tuple[Mapping[str, Any], str]:
    """The database's settings, and a note when they cannot be read."""
    from leadkeeper.cli.opening import open_database
    from leadkeeper.errors import LeadkeeperError
    from leadkeeper.store import settings_rows

    try:
        with open_database(settings) as db:
            return db.read_now(settings_rows.load), ""
    except LeadkeeperError as error:
        return {}, f"Settings saved in the database are not shown: {error.message}"


def _given() -> list[dict[str, Any]]:
    """What the environment and .env hold in our prefix, when it does not make valid settings."""
    import os

    from dotenv import dotenv_values

    from leadkeeper.config import PREFIX, Settings

    secret = {PREFIX + name.upper() for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}
    sources: list[tuple[str, Mapping[str, str | None]]] = [("environment", os.environ), (".env", dotenv_values(".env"))]
    names = sorted({name for _, given in sources for name in given if name.startswith(PREFIX)})
    listed = []
    for name in names:
        source, value = next((source, given[name]) for source, given in sources if name in given)
        known = name[len(PREFIX) :].lower() in Settings.model_fields
        listed.append(
            {"name": name, "value": MASK if name in secret or not known else masked(value), "source": source, "about": ""}
        )
    return listed


def _print(listed: list[dict[str, Any]], note: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("setting", "value", "from", box=None, pad_edge=False, header_style="bold")
    for item in listed:
        style = "" if item["source"] == "default" else "bold"
        table.add_row(item["name"], str("" if item["value"] is None else item["value"]), item["source"], style=style)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)  # nothing is cut off in a file
    console.print(table)
    if note:
        console.print(note, style="yellow")
