"""One job: its path, why each try did not work out, and the whole story it is part of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.crm import messages, subjects
from leadkeeper.crm.subjects import Subject
from leadkeeper.errors import Conflict
from leadkeeper.jobs import chain
from leadkeeper.jobs.chain import Chain
from leadkeeper.queue import listing
from leadkeeper.queue.jobs import Lane
from leadkeeper.queue.listing import JobView
from leadkeeper.rules.plain import came_to, explain
from leadkeeper.store.prepared import Row
from leadkeeper.web import forms
from leadkeeper.web.access import Access
from leadkeeper.web.api.messages import settle_send
from leadkeeper.web.reasons import because
from leadkeeper.web.refused import told
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

LANES: Mapping[int, str] = {
    Lane.PERSON: "a person’s message or a hand-over notice",
    Lane.INBOUND: "incoming",
    Lane.REPLY: "reply",
    Lane.FOLLOW_UP: "follow-up",
    Lane.BULK: "bulk",
    Lane.HOUSEKEEPING: "housekeeping",
}
"""What a priority stands for."""


@dataclass(frozen=True, slots=True)
class JobPage:
    """A job and its story. `in_doubt`: its outbound messages whose fate a person has to say."""

    job: JobView
    story: Chain
    subject: Subject | None
    fired: Sequence[Row]
    near: Sequence[Row]
    in_doubt: Sequence[Any]


@page("/admin/automation/jobs/{job_id:int}", title="Job", access=Access.VIEWER, name="job")
async def job(request: Request) -> Response:
    """The page."""
    view = await request.state.db.read(read, request.path_params["job_id"])
    role = request.state.user.role
    more = {
        "view": view,
        "now": clock.now(),
        "admin": role.may(Role.ADMIN),
        "agent": role.may(Role.AGENT),
        "because": partial(because, request.state.lang),
        "explained": partial(explained, request.state.lang),
        "came_to": partial(in_short, request.state.lang),
        "lane": LANES.get(view.job.priority),
    }
    return render(request, "pages/job.html", more)


@page.post("/admin/automation/messages/{message_id:int}/settle", access=Access.AGENT, name="settle_send")
async def settle(request: Request) -> Response:
    """A person looked on the customer's side: it arrived, or it is sent once more."""
    form = await forms.read(request)
    message_id = request.path_params["message_id"]
    back = forms.local(form.values.get("back"), "/admin/automation/jobs")
    how = "arrived" if form.values.get("how") == "arrived" else "resend"
    try:
        await request.state.db.write(settle_send, message_id, how, request.state.user.id)
    except Conflict as error:
        return told(request, back, error)
    request.state.site.snapshot = None
    words = {"arrived": "Noted: it arrived.", "resend": "It is sent once more."}
    return redirect(request, back, words[how])


def read(conn: Connection, job_id: int) -> JobPage:
    """One reading of the rows. Raises NotFound."""
    found = listing.job(conn, job_id)
    story = chain.of_job(conn, found.id, found.type, found.data, found.span)
    return JobPage(
        job=found,
        story=story,
        subject=_subject(conn, found, story),
        fired=[run for run in story.rule_runs if run.verdict == "fired"],
        near=[run for run in story.rule_runs if run.verdict != "fired"],
        in_doubt=[each for each in story.outbound if each.state in messages.IN_DOUBT],
    )


def explained(language: str, run: Row) -> list[str]:
    """Why a rule did what it did, as lines in the reader's language."""
    return explain(run.verdict, run.reason, run.trace, language)


def in_short(language: str, run: Row) -> tuple[str, str]:
    """The verdict of a rule run, and what was done or why not."""
    return came_to(run.verdict, run.reason, run.trace, language)


def _subject(conn: Connection, found: JobView, story: Chain) -> Subject | None:
    """Whom the job is about: by its own data, else by the conversation of its story."""
    named: dict[str, Any] = dict(found.data)
    talks = [each.conversation_id for each in (*story.inbound, *story.outbound)]
    if talks:
        named = {"conversationId": talks[0]}
    return subjects.of_data(conn, {found.id: named}).get(found.id)
