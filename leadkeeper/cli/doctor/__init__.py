"""`leadkeeper doctor`: what is wrong with this installation, why, and the command that mends it."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from leadkeeper.cli.doctor.findings import Finding

COLOURS = {"✓": "green", "!": "yellow", "✗": "red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at everything the product depends on; exits 1 when something is broken.

    Example: leadkeeper doctor --json
    """
    from leadkeeper.cli.doctor.examine import examine

    findings = examine()
    broken = [finding for finding in findings if finding.mark == "✗"]
    if as_json:
        typer.echo(
            json.dumps({"ok": not broken, "findings": [each.to_json() for each in findings]}, indent=2, ensure_ascii=False)
        )
    else:
        _print(findings)
    raise typer.Exit(1 if broken else 0)


def _print(findings: "list[Finding]") -> None:
    for finding in findings:
        typer.secho(f"{finding.mark} ", fg=COLOURS[finding.mark], nl=False)
        typer.echo(f"{finding.about}: {finding.found}")
        if finding.cause:
            typer.echo(f"    why it matters: {finding.cause}")
        if finding.fix:
            typer.echo(f"    what to do:     {finding.fix}")
    counts = [sum(finding.mark == mark for finding in findings) for mark in COLOURS]
    typer.echo("\n{} fine, {} to look at, {} broken".format(*counts))
