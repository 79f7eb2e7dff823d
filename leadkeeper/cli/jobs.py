"""`leadkeeper jobs ...`: look at the queue and mend it from the command line."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from leadkeeper.queue.listing import JobView

app = typer.Typer(help="Jobs of the queue: list, retry, cancel.", no_args_is_help=True)

Ids = Annotated[list[int], typer.Argument(help="Numbers of jobs, as `jobs list` shows them.")]


@app.command("list")
def list_jobs(
    status: Annotated[str, typer.Option(help="pending, processing, completed, failed or cancelled.")] = "",
    type_name: Annotated[str, typer.Option("--type", help="Only jobs of this type, for example send.")] = "",
    before: Annotated[int, typer.Option(help="Go on before this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List jobs, newest first.

    Example: leadkeeper jobs list --status failed --type send
    """
    from leadkeeper.cli.opening import open_database
    from leadkeeper.queue import listing

    if status and status not in listing.STATUSES:
        raise Invalid(f"{status!r} is not a status; there are {', '.join(listing.STATUSES)}", {"status": "unknown"})
    wanted = listing.JobFilter(status=status or None, type=type_name or None)
    with open_database() as db:
        page, after = db.read_now(listing.list_jobs, wanted, before or None, limit)
    if as_json:
        typer.echo(json.dumps({"jobs": [job.as_json() for job in page], "next": after}, indent=2, ensure_ascii=False))
        return
    for job in page:
        typer.echo(_line(job))
    typer.echo(f"more: --before {after}" if after else f"{len(page)} job{'' if len(page) == 1 else 's'}")


@app.command("retry")
def retry(job_ids: Ids) -> None:
    """Put failed jobs back into the queue, with a fresh set of tries.

    A message whose fate is unknown is refused: settle it in the console first. Example: leadkeeper jobs retry 4821 4822
    """
    from leadkeeper.jobs import redrive

    def again(conn: "Connection", job_id: int) -> str:
        redrive.retry(conn, job_id, None)
        return "queued again"

    _each(job_ids, again)


@app.command("cancel")
def cancel(job_ids: Ids) -> None:
    """Take back jobs that have not ended; a running one stops at its next pause.

    Example: leadkeeper jobs cancel 4821
    """
    from leadkeeper.jobs import redrive

    _each(job_ids, lambda conn, job_id: redrive.cancel(conn, job_id, None))


def _each(job_ids: list[int], act: "Callable[[Connection, int], str]") -> None:
    """Act on each job in a transaction of its own; one that is refused does not keep the others from it."""
    from leadkeeper.cli.opening import open_database

    refused = 0
    with open_database() as db:
        for job_id in job_ids:
            try:
                typer.echo(f"job {job_id}: {db.write_now(act, job_id)}")
            except (NotFound, Conflict) as error:
                refused += 1
                typer.secho(f"job {job_id}: {error.message}", fg="red", err=True)
    raise typer.Exit(1 if refused else 0)


def _line(job: "JobView") -> str:
    when = "parked" if job.parked else f"{job.run_at:%Y-%m-%d %H:%M:%S}"
    tries = f"try {job.attempts}" if job.attempts > 1 else ""
    return f"{job.id:>8}  {job.status:<10} {job.type:<16} {when:<19} {tries:<6} {job.error or ''}".rstrip()
