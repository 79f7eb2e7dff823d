"""`leadkeeper restore`: put a backup back, and do again nothing that may have been done since."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadkeeper.errors import Invalid

if TYPE_CHECKING:
    from leadkeeper.cli.archive.put_back import PutBack
    from leadkeeper.jobs.restored import Aftermath


def restore(
    file: Annotated[Path | None, typer.Argument(help="The backup, as `leadkeeper backup` made it.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Move aside what is here now; nothing is deleted.")] = False,
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="You have put the database back by other means: do only what follows from that.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put a backup into an empty installation. The worker stands still afterwards, until Start is pressed.

    What may have been sent since the backup is in doubt and sent by nobody but a person.
    Example: leadkeeper restore data/backups/leadkeeper-20270310T020000Z.tar.gz
    """
    if (file is None) == (not by_hand):
        raise Invalid("name the backup file, or say --by-hand", {"file": "one of the two"})
    if file is None:
        after = _by_hand()
        typer.echo(json.dumps({"ok": True, **_after_json(after)}, indent=2) if as_json else "\n".join(_followed(after)))
        return
    from leadkeeper import config
    from leadkeeper.cli.archive.put_back import put_back
    from leadkeeper.cli.archive.telling import Telling

    done = put_back(config.load(), file, replace=replace, telling=Telling(quiet=as_json))
    typer.echo(json.dumps(_json(file, done), indent=2) if as_json else _told(file, done))
    raise typer.Exit(0 if done.clean else 1)


def _by_hand() -> "Aftermath":
    from leadkeeper import config
    from leadkeeper.cli.archive.put_back import follow_by_hand
    from leadkeeper.cli.opening import open_database

    settings = config.load()
    with open_database(settings) as db:
        return follow_by_hand(settings, db)


def _json(file: Path, done: "PutBack") -> dict[str, Any]:
    told = done.manifest
    about = {"file": str(file), "takenAt": told.taken_at, "engine": told.engine, "schema": done.schema, "madeWith": told.schema}
    return {"ok": done.clean, **about, "aside": done.aside, **_after_json(done.after), "audit": done.audit}


def _after_json(after: "Aftermath") -> dict[str, int]:
    return {
        "inDoubt": after.in_doubt,
        "handedOver": after.handed_over,
        "jobsFreed": after.freed,
        "jobsCancelled": after.cancelled,
    }


def _told(file: Path, done: "PutBack") -> str:
    told = done.manifest
    at = told.taken_at.replace("T", " ").partition(".")[0]
    moved = "" if told.schema == done.schema else f", schema {told.schema} -> {done.schema}"
    lines = [f"restored {file}, as of {at} UTC{moved}", *_followed(done.after)]
    if done.aside is not None:
        lines.append(f"What was here before is in {done.aside}.")
    if not done.clean:
        lines.append("✗ its rows disagree: `leadkeeper audit` says how")
    return "\n".join(lines)


def _followed(after: "Aftermath") -> list[str]:
    return [
        f"  messages that may have been sent since: {after.in_doubt}; they are in doubt, and a person settles each",
        f"  conversations that waited for an answer: {after.handed_over}; they are handed over",
        "Everybody has to log in again. The worker stands still: start Leadkeeper, look at the inbox, then press Start.",
    ]
