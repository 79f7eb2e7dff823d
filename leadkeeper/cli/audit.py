"""`leadkeeper audit`: is every message received, stored, decided, and nothing lost, doubled or stuck?"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from leadkeeper.crm.audit import Audit


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that all rows tell the same story; exits with 1 when they do not.

    Example: leadkeeper audit
    """
    from leadkeeper.cli.opening import open_database
    from leadkeeper.crm.audit import audit as look

    with open_database() as db:
        found = db.read_now(look)
    typer.echo(json.dumps(found.as_json(), indent=2) if as_json else _told(found))
    raise typer.Exit(not found.clean)


def _told(found: "Audit") -> str:
    sums = found.balance
    lines = [
        f"received {sums.received} = stored {sums.stored} = decided {sums.decided}"
        f" = answered {sums.answered} + handed over {sums.handed_over} + silent {sums.silent} + open {sums.open}"
    ]
    for finding in found.findings:
        name = finding.name.replace("_", " ")
        named = f": {finding.of} {', '.join(map(str, finding.ids))}" if finding.ids else ""
        lines.append(f"  {'✗' if finding.count else '✓'} {name:<24} {finding.count}{named}")
    if found.doubts.count:
        lines.append(f"  ! {found.doubts.count} sends of unknown outcome: messages {', '.join(map(str, found.doubts.ids))}")
    lines.append("clean" if found.clean else "The rows disagree: please report this, with the lines above.")
    return "\n".join(lines)
