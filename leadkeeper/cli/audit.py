"""`leadkeeper audit`: is every message received, stored, decided, and nothing lost, doubled or stuck?"""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from leadkeeper.config import Settings
    from leadkeeper.crm.audit import Audit
    from leadkeeper.store.database import Database


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    log: Annotated[
        str, typer.Option(help="A simulator's log to lay beside the rows: its address, or a file of what GET /sim/calls gave.")
    ] = "",
) -> None:
    """Check that all rows tell the same story; exits with 1 when they do not.

    Where a simulator runs behind a simulated account, what it heard is compared too.

    Example: leadkeeper audit --log http://127.0.0.1:9100
    """
    import asyncio

    from leadkeeper import config
    from leadkeeper.cli.opening import open_database

    settings = config.load()
    with open_database(settings) as db:
        found = asyncio.run(_look(db, settings, log))
    typer.echo(json.dumps(found.as_json(), indent=2) if as_json else _told(found))
    raise typer.Exit(not found.clean)


async def _look(db: "Database", settings: "Settings", log: str) -> "Audit":
    import httpx2

    from leadkeeper.crm import simulated
    from leadkeeper.jobs import audit as nightly
    from leadkeeper.secretbox import SecretBox

    async with httpx2.AsyncClient(timeout=nightly.PATIENCE_SECONDS) as http:

        async def fetch() -> Any:
            if log:
                return await _given(http, log)
            if not await db.read(simulated.ids):
                return None
            return await nightly.of_simulator(db, http, SecretBox.open(settings.data_dir))

        return await nightly.whole(db, fetch)


async def _given(http: Any, log: str) -> Any:
    """The log at an address or in a file. Raises Misconfigured when it cannot be read."""
    import asyncio
    from pathlib import Path

    import httpx2

    from leadkeeper.crm.provider_calls import read_log
    from leadkeeper.errors import Invalid, Misconfigured

    try:
        if log.startswith(("http://", "https://")):
            address = log if "/sim" in log else f"{log.rstrip('/')}/sim/calls"
            return read_log((await http.get(address)).json())
        return read_log(json.loads(await asyncio.to_thread(Path(log).read_text, "utf-8")))
    except (httpx2.HTTPError, OSError, ValueError, Invalid) as error:
        words = error.message if isinstance(error, Invalid) else f"it cannot be read ({type(error).__name__})"
        raise Misconfigured(f"--log {log}: {words}") from error


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
    if found.calls is not None:
        lines.append(f"  {found.calls} calls in the provider's log")
    if found.doubts.count:
        lines.append(f"  ! {found.doubts.count} sends of unknown outcome: messages {', '.join(map(str, found.doubts.ids))}")
    lines.append("clean" if found.clean else "The rows disagree: please report this, with the lines above.")
    return "\n".join(lines)
