"""Do all rows tell the same story? The last audit as people read it: the sums, what disagrees, and where to look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper import clock
from leadkeeper.access import audit as acts
from leadkeeper.access.roles import Role
from leadkeeper.crm import audit as books
from leadkeeper.queue import control
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.queue.rows import unfinished
from leadkeeper.store.schema import decisions, jobs, messages
from leadkeeper.web.access import Access
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

PATH = "/admin/automation/audit"
FINDINGS: Mapping[str, str] = {
    "lost": "Received, and neither decided nor at work",
    "undecided": "Open, and nobody is at work on it",
    "answered_twice": "Answered twice",
    "received_out_of_order": "Stored in another order than it was written",
    "run_out_of_order": "Run before the job before it had ended",
    "without_head": "Jobs that wait behind nobody",
    "unsent": "Messages to be sent, and no job that sends them",
    "stuck_jobs": "Jobs that are stuck",
    "called_twice": "Given to the provider twice under one token",
    "called_without_intent": "Heard by the provider, and not in our books",
    "accepted_without_call": "Accepted in our books, and not heard by the provider",
}
"""What each finding means."""
OF: Mapping[str, str] = {"messages": "Message", "events": "Incoming message", "jobs": "Job"}
"""What the rows of a finding are called."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One finding: how many rows, and (number, where to look) of the first ones."""

    words: str
    of: str
    count: int
    rows: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class AuditView:
    """The last audit; `at` None before the first. `waits`: one is asked for and not done; `working`: somebody would do it."""

    at: datetime | None
    clean: bool
    balance: Mapping[str, int]
    findings: Sequence[Disagreement]
    in_doubt: int
    calls: int | None
    waits: bool
    working: bool


@page(PATH, title="Audit", access=Access.VIEWER, name="audit")
async def shown(request: Request) -> Response:
    """The page."""
    view = await request.state.db.read(read)
    return render(request, "pages/audit.html", {"view": view, "of": OF, "admin": request.state.user.role.may(Role.ADMIN)})


@page.post(PATH, access=Access.ADMIN, name="audit_now")
async def now(request: Request) -> Response:
    """Ask for an audit; one that waits already is that one."""
    await request.state.db.write(ask, request.state.user.id)
    return redirect(request, PATH, "The audit is asked for. Its result appears here.")


def ask(conn: Connection, user_id: int) -> None:
    """Enqueue an audit that does not wait for the night."""
    if not _waits(conn):
        enqueue(conn, Job("audit", {}, dedupe="audit", priority=Lane.REPLY))
    acts.record(conn, "audit_asked", user_id)


def read(conn: Connection) -> AuditView:
    """One reading of the rows."""
    kept = books.last(conn) or {}
    found = [(name, each) for name, each in kept.get("findings", {}).items() if each["count"]]
    links = _links(conn, [each for _, each in found])
    return AuditView(
        at=datetime.fromisoformat(kept["at"]) if kept else None,
        clean=bool(kept.get("clean", True)),
        balance=kept.get("balance", {}),
        findings=[_disagreement(name, each, links) for name, each in found],
        in_doubt=int(kept.get("inDoubt", {}).get("count", 0)),
        calls=kept.get("calls"),
        waits=_waits(conn),
        working=control.is_running(conn),
    )


def _disagreement(name: str, found: Mapping[str, Any], links: Mapping[tuple[str, int], str]) -> Disagreement:
    of = str(found["of"])
    rows = [(int(number), links.get((of, int(number)), "")) for number in found["ids"]]
    return Disagreement(FINDINGS.get(name, name), of, int(found["count"]), rows)


def _waits(conn: Connection) -> bool:
    due = (jobs.c.type == "audit", unfinished(), jobs.c.run_at <= clock.now())
    return conn.execute(select(jobs.c.id).where(*due).limit(1)).first() is not None


def _links(conn: Connection, found: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], str]:
    """Where each named row is shown; nothing for one that stands on no page (an event nobody has taken up)."""
    ids: dict[str, set[int]] = {of: set() for of in OF}
    for each in found:
        ids[each["of"]].update(each["ids"])
    links = {("jobs", number): f"/admin/automation/jobs/{number}" for number in ids["jobs"]}
    said = select(messages.c.id, messages.c.event_id, messages.c.conversation_id)
    for row in conn.execute(said.where(or_(messages.c.id.in_(ids["messages"]), messages.c.event_id.in_(ids["events"])))):
        address = f"/inbox/{row.conversation_id}#m{row.id}"
        links |= {("messages", row.id): address, ("events", row.event_id): address}
    decided = select(decisions.c.event_id, decisions.c.conversation_id).where(decisions.c.conversation_id.is_not(None))
    for event, conversation in conn.execute(decided.where(decisions.c.event_id.in_(ids["events"]))):
        links.setdefault(("events", event), f"/inbox/{conversation}")
    return links
