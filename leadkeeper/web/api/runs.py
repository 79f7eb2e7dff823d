"""Run Now and its kin: each asks for a run and answers at once; the run itself is a job, its result are rows."""

from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.access import audit
from leadkeeper.crm import due, leads
from leadkeeper.errors import Forbidden, Invalid
from leadkeeper.queue import control, stats
from leadkeeper.rules import run_book
from leadkeeper.store.signals import signal
from leadkeeper.web.access import Access
from leadkeeper.web.json_api import Shape, router
from leadkeeper.web.json_shape import LARGEST_ID, Id, Limit, as_json

readers = router("/api/autopilot", access=Access.VIEWER, tag="Runs")
admins = router("/api", access=Access.ADMIN, tag="Runs")
cron = router("/api", access=Access.CRON, tag="Cron")


Next = Annotated[int | None, Query(alias="next", ge=1, le=LARGEST_ID)]


class RunNow(Shape):
    """A dry run lists what would be sent, and sends nothing."""

    dry_run: bool = Field(False, description="list exact leads and texts; nothing is sent or suppressed")


@admins.post("/autopilot/run", status_code=202)
async def run(request: Request, given: RunNow | None = None) -> JSONResponse:
    """Ask for a run of the active scheduled rules."""
    dry_run = given is not None and given.dry_run
    return await _started(request, "manual", dry_run=dry_run)


@readers.get("/runs")
async def runs(request: Request, before: Next = None, limit: Limit = 10) -> dict[str, Any]:
    """The newest runs first; `next` leads to the following page."""
    found = await request.state.db.read(run_book.recent, limit + 1, before)
    shown = found[:limit]
    return {"ok": True, "runs": as_json(shown), "next": shown[-1].id if len(found) > limit else None}


@readers.get("/runs/{run_id}")
async def one_run(request: Request, run_id: Id, after: Next = None) -> dict[str, Any]:
    """A run as it stands now: totals, each rule's counts, and a dry run's exact leads and texts (`next`: the following ones)."""
    view = await request.state.db.read(run_book.view, run_id, after or 0)
    told = as_json(view)
    processing = view.status in ("queued", "running")
    return {"ok": True, "runId": view.id, "processing": processing, **told}


@admins.post("/automation/run-now", status_code=202)
async def run_now(request: Request, given: RunNow | None = None) -> JSONResponse:
    """The older name of Run Now."""
    return await _started(request, "manual", dry_run=given is not None and given.dry_run)


@admins.post("/leads/{lead_id}/automation/run", status_code=202)
async def run_lead(request: Request, lead_id: Id, given: RunNow | None = None) -> JSONResponse:
    """Ask for a run of the active scheduled rules for one lead. 404 when there is no such lead."""
    return await _started(request, "lead", dry_run=given is not None and given.dry_run, lead_id=lead_id)


@cron.get("/automation/run-daily")
async def daily_or_preview(request: Request) -> JSONResponse:
    """With the secret: run, since many cron services only GET. With a login: a preview that changes nothing."""
    if request.state.user is None:
        return await _started(request, "cron")
    found = await request.state.db.read(due.take)
    return JSONResponse({"ok": True, **as_json(found), "timestamp": clock.iso(clock.now())})


@cron.post("/automation/run-daily", status_code=202)
async def daily(request: Request) -> JSONResponse:
    """Ask for a run; nobody needs to: the built-in schedules do it."""
    return await _started(request, "cron")


@cron.api_route("/cron/run", methods=["GET", "POST"], status_code=202)
async def cron_run(request: Request, schedule: Literal["daily", "hourly"] = "daily") -> JSONResponse:
    """Ask for a run. Every active scheduled rule is looked at, whichever schedule calls: rules know when they are due."""
    _refuse_get_by_login(request)
    return await _started(request, "cron", schedule=schedule)


@cron.api_route("/cron/process-jobs", methods=["GET", "POST"])
async def process_jobs(request: Request) -> dict[str, Any]:
    """Wake the workers; says whether there are any. What they were told to do stays as it is."""
    _refuse_get_by_login(request)
    await request.state.db.write(_wake)
    running, counts = await request.state.db.read(_running)
    message = "The worker is running." if running else "The worker is not running: jobs wait until it is started."
    return {"ok": True, "message": message, "isRunning": running, "stats": counts, "timestamp": clock.iso(clock.now())}


def _refuse_get_by_login(request: Request) -> None:
    """Raises Forbidden: a GET with a cookie can be caused by another site's link, so it may not act."""
    if request.method == "GET" and request.state.user is not None:
        raise Forbidden("A GET needs the cron secret; use POST when you are logged in.")


async def _started(
    request: Request, kind: str, *, dry_run: bool = False, lead_id: int | None = None, **more: Any
) -> JSONResponse:
    user_id = request.state.user.id if request.state.user is not None else None
    dry_run = dry_run or _mode(request) == "draft"
    run_id = await request.state.db.write(start_run, kind, dry_run, user_id, lead_id)
    body = {
        "ok": True,
        "success": True,
        "runId": run_id,
        "status": "queued",
        "processing": True,
        "dryRun": dry_run,
        "mode": "draft" if dry_run else "send",
        "timestamp": clock.iso(clock.now()),
        "message": f"Run {run_id} is queued",
        "url": f"/api/autopilot/runs/{run_id}",
        **({"leadId": lead_id} if lead_id is not None else {}),
        **more,
    }
    return JSONResponse(body, status_code=202)


def _mode(request: Request) -> str:
    """The known header `x-autopilot-mode`. A draft is a dry run: its texts are listed for a person to send, and nothing goes.

    Raises Invalid for an unknown word: whoever misspelt `draft` must not send.
    """
    given = request.headers.get("x-autopilot-mode", "send").strip().lower()
    if given not in ("draft", "send"):
        raise Invalid("unknown mode", {"x-autopilot-mode": "draft or send"})
    return given


def start_run(conn: Connection, kind: str, dry_run: bool, user_id: int | None, lead_id: int | None = None) -> int:
    """Ask for a run, as a person or as a clock; returns its id. Raises NotFound for a lead that is not there."""
    if lead_id is not None:
        leads.get(conn, lead_id)
    run_id = run_book.start(conn, kind, dry_run=dry_run, user_id=user_id, lead_id=lead_id)
    if user_id is not None:
        audit.record(conn, "run_started", user_id, subject=f"run:{run_id}", dryRun=dry_run)
    return run_id


def _wake(conn: Connection) -> None:
    signal(conn, "jobs")


def _running(conn: Connection) -> tuple[bool, dict[str, Any]]:
    return control.is_running(conn), stats.counts(conn).as_json()
