"""`leadkeeper prove`: run the acceptance report against the real server and worker."""

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from leadkeeper.cli.proof.claim import Claim
    from leadkeeper.cli.proof.stage import Stage

FAQ = """question,answer
What are your opening hours?,We are open Monday to Friday from 9:00 to 20:00.
Where is your office?,Our office is on Palm Street 12.
"""


def prove(
    database: Annotated[str, typer.Option(help="Prove it on this empty database (postgresql://...) instead of SQLite.")] = "",
    keep: Annotated[bool, typer.Option(help="Keep the scratch folder with its database.")] = False,
) -> None:
    """Start the real server, worker and a simulated provider, and show the rows behind every promise.

    Example: leadkeeper prove
    """
    from leadkeeper import clock, config
    from leadkeeper.cli.proof import report

    settings = config.load()
    scratch = Path(mkdtemp(prefix="leadkeeper-prove-"))
    try:
        told = _run(scratch, database)
    finally:
        if not keep:
            rmtree(scratch, ignore_errors=True)
    path = report.write(settings.data_dir / "prove", told, clock.now())
    _print(told, path)
    raise typer.Exit(0 if told["ok"] else 1)


def _run(folder: Path, database: str) -> dict[str, Any]:
    from leadkeeper import clock
    from leadkeeper.cli import disk
    from leadkeeper.cli.proof import claims_control, claims_faults, claims_work, figures, report
    from leadkeeper.cli.proof.claim import Claim
    from leadkeeper.cli.proof.stage import Stage
    from leadkeeper.store import settings_rows

    conditions: dict[str, Any] = {"when": clock.now().isoformat(timespec="seconds"), "database": database or "SQLite"}
    conditions |= {"fsyncs a second": round(disk.fsyncs_per_second(folder)), "load before": round(disk.load(), 2)}
    stage = Stage(folder, database)
    measured: dict[str, float] = {}
    rate: list[float] = []
    acts: list[tuple[str, Callable[[Stage, Claim], object]]] = [
        ("Nobody comes in without a login", claims_control.authentication),
        ("The worker starts, stops and says what is true", claims_control.worker_switch),
        ("Run Now executes the active rules and creates jobs", claims_control.run_now),
        ("Jobs are stored, survive a restart and run by priority", claims_control.stored_in_order),
        ("The work goes on with nobody connected", lambda s, c: rate.append(claims_work.background(s, c))),
        ("kill -9 in the middle: nothing lost, nothing sent twice", claims_work.killed_in_the_middle),
        ("Errors end as they should, the worker lives", claims_faults.errors),
        ("Every statistic equals the rows", claims_faults.statistics),
    ]
    claims: list[Claim] = []
    try:
        measured["start_seconds"] = round(stage.start(), 2)
        stage.write(lambda conn: settings_rows.save(conn, "quiet_hours", None))
        stage.settings["quiet_hours (settings row)"] = "none"
        _teach(stage)
        for number, (title, act) in enumerate(acts, 1):
            claims.append(_claim(stage, number, title, act))
        measured["answers_per_second"] = round(rate[0], 1) if rate else 0.0
        measured |= figures.measure(stage)
    finally:
        stage.close()
    conditions["load after"] = round(disk.load(), 2)
    return report.as_json(claims, measured, stage.settings, conditions)


def _teach(stage: "Stage") -> None:
    """The documents the answers come from, by the API."""
    stage.log_in()
    form = {"title": "Questions and answers", "type": "faq"}
    stage.api("POST", "/api/admin/ai-training/upload", data=form, files={"file": ("faq.csv", FAQ.encode(), "text/csv")})
    stage.wait(
        lambda: all(each["state"] == "indexed" for each in stage.api("GET", "/api/admin/ai-training/documents")["documents"]),
        20,
        "the documents to be read",
    )
    stage.http.cookies.clear()


def _claim(stage: "Stage", number: int, title: str, act: "Callable[[Stage, Claim], object]") -> "Claim":
    from rich.console import Console

    from leadkeeper import clock
    from leadkeeper.cli.proof.claim import Claim
    from leadkeeper.errors import LeadkeeperError

    claim = Claim(number, title)
    began = clock.monotonic()
    try:
        act(stage, claim)
    except LeadkeeperError as error:
        claim.check("the claim could be tried to its end", "yes", error.message)
    claim.seconds = clock.monotonic() - began
    colour = "green" if claim.holds else "red"
    Console().print(f"[{colour}]{'✓' if claim.holds else '✗'}[/] {number}. {title} [dim]{claim.seconds:.1f} s[/]")
    return claim


def _print(told: dict[str, Any], path: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "checked", "expected", "found", title="What is promised, and what was found")
    for claim in told["claims"]:
        for check in claim["checks"]:
            if not check["holds"] or check["evidence"]:
                mark = "[green]✓[/]" if check["holds"] else "[red]✗[/]"
                table.add_row(mark, f"{claim['number']}. {check['text']}", check["expected"][:60], check["found"][:60])
    console = Console()
    console.print(table)
    figures = Table("figure", "value", title="Measured")
    for name, value in told["figures"].items():
        figures.add_row(name, f"{value:g}")
    console.print(figures)
    held = sum(claim["holds"] for claim in told["claims"])
    console.print(f"{held} of {len(told['claims'])} claims hold. Report: {path}")
