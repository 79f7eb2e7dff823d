"""The machine room: is the worker running, how much waits, what failed, what returns by the clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper import clock
from leadkeeper.access import audit
from leadkeeper.access.roles import Role
from leadkeeper.crm import doubts
from leadkeeper.jobs import redrive
from leadkeeper.queue import control, failures, stats, timers
from leadkeeper.queue.control import WorkerRow
from leadkeeper.queue.failures import FailureGroup
from leadkeeper.queue.stats import Minute, Stats
from leadkeeper.rules import run_book
from leadkeeper.store.prepared import Row
from leadkeeper.web import cron_words, forms
from leadkeeper.web.access import Access
from leadkeeper.web.api.automation import choose_state
from leadkeeper.web.api.runs import start_run
from leadkeeper.web.frame import figures
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page
from leadkeeper.web.watch import worker_state

FAILED_LATELY = timedelta(days=7)
"""How far back failures are grouped."""
AT_ONCE = 50
"""Jobs of a group that one transaction puts back."""
PATH = "/admin/automation"


@dataclass(frozen=True, slots=True)
class AutomationView:
    """Everything of one reading. `worker`: running, stopped or silent; `up_since`: the oldest live worker's start;
    `last_at`: when the latest job ended."""

    worker: str
    up_since: datetime | None
    last_at: datetime | None
    stats: Stats
    minutes: Sequence[Minute]
    workers: Sequence[WorkerRow]
    schedules: Sequence[Row]
    failures: Sequence[FailureGroup]
    runs: Sequence[Row]
    in_doubt: int


@figures
def queue_figures(conn: Connection) -> Mapping[str, float | str]:
    """The four counters, for every open page."""
    found = stats.by_status(conn)
    return {name: found.get(name, 0) for name in ("pending", "processing", "completed", "failed")}


@page(PATH, title="Automation", access=Access.VIEWER, menu=20, icon="automation")
async def automation(request: Request) -> Response:
    """The page; everything on it is read again when something changes."""
    view = await request.state.db.read(read)
    more = {
        "now": clock.now(),
        "admin": request.state.user.role.may(Role.ADMIN),
        "every": partial(cron_words.said, request.state.lang),
        "purposes": cron_words.PURPOSES,
        "failed_days": FAILED_LATELY.days,
        "group_ids": failures.GROUP_IDS,
    }
    return render(request, "pages/automation.html", {"view": view, **more})


@page.post(f"{PATH}/worker", access=Access.ADMIN, name="choose_worker")
async def choose_worker(request: Request) -> Response:
    """Start or stop every worker, for good."""
    form = await forms.read(request)
    state: control.State = "stopped" if form.values.get("action") == "stop" else "running"
    await request.state.db.write(choose_state, state, request.state.user.id, request.state.address)
    request.state.site.snapshot = None
    words = {"running": "The worker is started.", "stopped": "The worker is stopped. What it was doing is finished first."}
    return redirect(request, forms.local(form.values.get("back"), PATH), words[state])


@page.post(f"{PATH}/run", access=Access.ADMIN, name="run_rules_now")
async def run_rules_now(request: Request) -> Response:
    """Ask for a run of the scheduled rules, or for a dry run, and go to its page."""
    form = await forms.read(request)
    run_id = await request.state.db.write(start_run, "manual", form.flag("dry"), request.state.user.id)
    return redirect(request, f"{PATH}/runs/{run_id}")


@page.post(f"{PATH}/failures/retry", access=Access.ADMIN, name="retry_group")
async def retry_group(request: Request) -> Response:
    """Put every failed job of one type and error back, a few in each transaction."""
    form = await forms.read(request)
    type_, error = form.values.get("type", ""), _kind(form.values.get("error", ""))
    db, user_id = request.state.db, request.state.user.id
    groups = await db.read(failures.failures, clock.now() - FAILED_LATELY)
    ids = [job_id for group in groups if (group.type, _kind(group.error)) == (type_, error) for job_id in group.ids]
    revived = 0
    for at in range(0, len(ids), AT_ONCE):
        revived += await db.write(redrive.retry_many, ids[at : at + AT_ONCE], user_id)
    await db.write(_note_retried, user_id, type_, revived)
    if revived < len(ids):
        words = "{n} of {all} jobs are queued again. The others cannot be: open one to see why."
        return redirect(request, f"{PATH}#failures", words, kind="ok" if revived else "bad", n=revived, all=len(ids))
    return redirect(request, f"{PATH}#failures", "{n} jobs are queued again.", n=revived)


def _note_retried(conn: Connection, user_id: int, job_type: str, count: int) -> None:
    audit.record(conn, "jobs_retried", user_id, type=job_type, jobs=count)


def _kind(error: str) -> str:
    """What makes two errors the same: a group may have grown since the page was drawn, and a browser sends a hidden
    field's line ends in its own way."""
    return failures.likeness(error.replace("\r\n", "\n"))


def read(conn: Connection) -> AutomationView:
    """One reading of the rows."""
    workers = control.live_workers(conn)
    return AutomationView(
        worker=str(worker_state(conn)["worker"]),
        up_since=min((each.started_at for each in workers), default=None),
        last_at=stats.last_ended(conn),
        stats=stats.counts(conn),
        minutes=stats.throughput(conn),
        workers=workers,
        schedules=timers.listed(conn),
        failures=failures.failures(conn, clock.now() - FAILED_LATELY),
        runs=run_book.recent(conn, 5),
        in_doubt=sum(doubts.counts(conn).values()),
    )
