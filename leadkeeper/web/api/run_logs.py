"""What rules did and nearly did, by JSON: one entry for each firing and each near miss, with the reason."""

from typing import Annotated, Any

from fastapi import Query, Request

from leadkeeper import clock
from leadkeeper.errors import Invalid
from leadkeeper.rules import runs
from leadkeeper.rules.plain import explain
from leadkeeper.store.prepared import Row
from leadkeeper.web.access import Access
from leadkeeper.web.json_api import router
from leadkeeper.web.json_shape import LARGEST_ID, Limit, Word

logs = router("/api/admin/automation", access=Access.VIEWER, tag="Run logs")
known_logs = router("/api/automation", access=Access.VIEWER, tag="Run logs")

VERDICTS = ("fired", "skipped", "deferred", "blocked", "failed")
_KNOWN_STATUSES = {"success": "fired", "error": "failed"}
"""Words of the earlier system for what we call a verdict."""

LeadId = Annotated[int | None, Query(alias="leadId", ge=1, le=LARGEST_ID)]
RuleId = Annotated[int | None, Query(alias="ruleId", ge=1, le=LARGEST_ID)]
Next = Annotated[int | None, Query(alias="next", ge=1, le=LARGEST_ID)]


@logs.get("/run-logs")
async def run_logs(request: Request, before: Next = None, limit: Limit = 20) -> list[dict[str, Any]]:
    """The newest entries first, as a bare array; `next` is the id of the last one seen."""
    rows = await request.state.db.read(runs.log, before=before, limit=limit)
    return [entry(row) for row in rows]


@known_logs.get("/logs")
async def automation_logs(
    request: Request,
    lead_id: LeadId = None,
    rule_id: RuleId = None,
    status: Word | None = None,
    before: Next = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The newest entries first, filtered; `next` leads to the following page."""
    verdict = _verdict(status)
    rows = await request.state.db.read(runs.log, rule_id=rule_id, lead_id=lead_id, verdict=verdict, before=before, limit=limit)
    told = [entry(row) | _parties(row) for row in rows]
    return {"ok": True, "logs": told, "next": rows[-1].id if len(rows) == limit else None}


def entry(row: Row) -> dict[str, Any]:
    """One entry of the log; `message` says in plain words what came of it."""
    return {
        "id": row.id,
        "ruleId": row.rule_id,
        "ruleKey": row.rule_key,
        "ruleName": row.rule_name,
        "ruleVersion": row.rule_version,
        "leadId": row.lead_id,
        "conversationId": row.conversation_id,
        "eventId": row.event_id,
        "runId": row.run_id,
        "messageId": row.message_id,
        "status": row.verdict,
        "reason": row.reason,
        "message": explain(row.verdict, row.reason, row.trace)[0],
        "trace": row.trace,
        "createdAt": clock.iso(row.at),
    }


def _parties(row: Row) -> dict[str, Any]:
    lead = None if row.lead_id is None else {"id": row.lead_id, "contact": {"fullName": row.contact_name}}
    return {"rule": {"id": row.rule_id, "name": row.rule_name, "key": row.rule_key}, "lead": lead}


def _verdict(status: str | None) -> str | None:
    if not status:
        return None
    word = _KNOWN_STATUSES.get(status.lower(), status.lower())
    if word not in VERDICTS:
        raise Invalid("unknown status", {"status": f"one of {', '.join(VERDICTS)}"})
    return word
