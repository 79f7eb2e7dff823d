"""`leadkeeper backup`: everything in one verified file, while Leadkeeper goes on."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from leadkeeper.cli.archive.take import Taken


def backup(
    to: Annotated[Path | None, typer.Option(help="Folder of the backups; <data>/backups when not given.")] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="Keep this many backups there, and remove older ones.")] = None,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Put the backup back into scratch and audit it.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copy database, media and secret key into one file, and prove that it can be put back; exits 1 when it cannot.

    Leadkeeper may run meanwhile. Example: leadkeeper backup --to ../backups --keep 14
    """
    from leadkeeper import config
    from leadkeeper.cli.archive.take import take
    from leadkeeper.cli.archive.telling import Telling
    from leadkeeper.cli.opening import open_database

    settings = config.load()
    with open_database(settings) as db:
        into = to or settings.data_dir / "backups"
        taken = take(db, settings, into, check=verify, keep=keep, telling=Telling(quiet=as_json))
    typer.echo(json.dumps(_json(taken), indent=2) if as_json else _told(taken))
    raise typer.Exit(0 if taken.verified is None or taken.verified.clean else 1)


def _json(taken: "Taken") -> dict[str, Any]:
    told, verified = taken.manifest, taken.verified
    return {
        "ok": verified is None or verified.clean,
        "file": str(taken.file),
        "bytes": taken.size,
        "seconds": round(taken.seconds, 1),
        "takenAt": told.taken_at,
        "engine": told.engine,
        "schema": told.schema,
        "containsSecretKey": any(part.name == "secret.key" for part in told.parts),
        "tables": told.tables,
        "media": {"files": sum(part.name.startswith("media/") for part in told.parts), "missing": told.missing},
        "verified": verified is not None,
        "audit": verified.audit if verified is not None else None,
        "removed": [str(path) for path in taken.removed],
    }


def _told(taken: "Taken") -> str:
    from leadkeeper.cli.archive.telling import megabytes

    told = taken.manifest
    at = told.taken_at.replace("T", " ").partition(".")[0]
    lines = [f"{taken.file}, {megabytes(taken.size)}: {told.tables['messages']:,} messages, as of {at} UTC"]
    if any(part.name == "secret.key" for part in told.parts):
        lines.append("It contains secret.key, which opens the stored credentials: keep it where only you can read it.")
    if told.missing:
        named = ", ".join(map(str, told.missing[:20]))
        lines.append(f"! the files of {len(told.missing)} messages are not on the disk, or have changed: messages {named}")
    if taken.removed:
        lines.append(f"removed {len(taken.removed)} older: {', '.join(path.name for path in taken.removed)}")
    if taken.verified is None:
        lines.append("! not verified (--no-verify)")
    elif not taken.verified.clean:
        lines.append("✗ the copy is whole, but its rows disagree, as yours do: `leadkeeper audit` says how")
    return "\n".join(lines)
