"""Who is due: the conversations a scheduled rule may be about, bounded, page by page.

A candidate is only worth a look: the facts are read and the rule decided for each one, and the claim
of its episode keeps it from firing twice. What is long past does not fire any more, so switching a
rule on, or a week of standstill, does not write to everybody who was ever due.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select

from leadkeeper.config import Settings
from leadkeeper.rules import business
from leadkeeper.rules.facts import Facts, Reach
from leadkeeper.rules.gather import Ask, gather
from leadkeeper.rules.model import Rule
from leadkeeper.rules.triggers import Approaching, FollowUp, Hours, lowest_day
from leadkeeper.store.schema import CLOSED_STAGES, conversations, expiries, leads, rule_runs

LATE = timedelta(days=7)
"""A silence that could have been acted on this long ago is left alone."""

PAGE = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """One due thing. `cursor` is where the next page begins."""

    cursor: int
    conversation_id: int
    lead_id: int
    expiry_id: int | None = None


def find(
    conn: Connection, rule: Rule, now: datetime, settings: Settings, *, after: int = 0, limit: int = PAGE
) -> list[Candidate]:
    """At most `limit` candidates of a scheduled rule whose cursors come after `after`, in order.

    A rule for inbound messages has none.
    """
    query = _QUERIES.get(rule.trigger.kind)
    if query is None:
        return []
    cursor, statement = query(rule, now, business.read(conn, settings).local(now))
    if rule.guarded:
        statement = statement.where(leads.c.autopilot)
    rows = conn.execute(statement.where(cursor > after).order_by(cursor).limit(limit))
    return [Candidate(row.cursor, row.conversation_id, row.lead_id, row.expiry_id) for row in rows]


def facts_of(
    conn: Connection, rule: Rule, candidate: Candidate, now: datetime, settings: Settings, reach: Mapping[str, Reach]
) -> Facts:
    """The facts of one candidate, read now."""
    return gather(
        conn,
        Ask(candidate.conversation_id, lead_id=candidate.lead_id, expiry_id=candidate.expiry_id),
        now,
        settings,
        reach=reach,
        trigger=rule.trigger.kind,
    )


_Query = tuple[ColumnElement[int], Select[Any]]


def _follow_up(rule: Rule, now: datetime, here: datetime) -> _Query:
    params = rule.trigger.params
    assert isinstance(params, FollowUp)  # noqa: S101 - the model has checked it
    due: ColumnElement[bool] = and_(leads.c.next_follow_up_at <= now, ~_fired(rule, leads.c.next_follow_up_at, lead=True))
    if params.silent_days is not None:
        ended = now - timedelta(days=params.silent_days)
        spoken = conversations.c.last_message_at
        quiet = and_(leads.c.next_follow_up_at.is_(None), spoken <= ended, spoken > ended - LATE)
        due = or_(due, and_(quiet, ~_fired(rule, spoken, lead=True)))
    return leads.c.id, _of_leads(leads.c.id).where(due, leads.c.stage.not_in(CLOSED_STAGES))


def _team_silent(rule: Rule, now: datetime, here: datetime) -> _Query:
    params = rule.trigger.params
    assert isinstance(params, Hours)  # noqa: S101
    since = conversations.c.unanswered_since
    waited = and_(since <= now - timedelta(hours=params.hours), ~_fired(rule, since, lead=False))
    return conversations.c.id, _of_conversations().where(waited)


def _customer_silent(rule: Rule, now: datetime, here: datetime) -> _Query:
    params = rule.trigger.params
    assert isinstance(params, Hours)  # noqa: S101
    wrote, answered = conversations.c.last_inbound_at, conversations.c.last_outbound_at
    ended = now - timedelta(hours=params.hours)
    silent = and_(answered > wrote, answered <= ended, answered > ended - LATE, ~_fired(rule, wrote, lead=False))
    return conversations.c.id, _of_conversations().where(silent, leads.c.stage.not_in(CLOSED_STAGES))


def _approaching(rule: Rule, now: datetime, here: datetime) -> _Query:
    params = rule.trigger.params
    assert isinstance(params, Approaching)  # noqa: S101
    today = here.date()
    first, last = today + timedelta(days=lowest_day(params)), today + timedelta(days=params.days)
    statement = (
        _of_leads(expiries.c.id, expiries.c.id)
        .join(expiries, expiries.c.lead_id == leads.c.id)
        .where(expiries.c.expires_on.between(first, last), expiries.c.renewed_at.is_(None), leads.c.stage != "lost")
    )
    return expiries.c.id, statement.where(expiries.c.kind.in_(params.kinds)) if params.kinds else statement


_QUERIES = {
    "followup.due": _follow_up,
    "team.silent": _team_silent,
    "customer.silent": _customer_silent,
    "date.approaching": _approaching,
}


def _of_leads(cursor: ColumnElement[int], expiry: ColumnElement[int] | None = None) -> Select[Any]:
    """Leads with the newest open conversation of their contact: an older lead is reached there too."""
    other = conversations.alias("other")
    newest = (
        select(func.max(other.c.id)).where(other.c.contact_id == leads.c.contact_id, other.c.status == "open").scalar_subquery()
    )
    chosen = [cursor.label("cursor"), conversations.c.id.label("conversation_id"), leads.c.id.label("lead_id")]
    found: ColumnElement[Any] = _none() if expiry is None else expiry
    return select(*chosen, found.label("expiry_id")).select_from(leads).join(conversations, conversations.c.id == newest)


def _of_conversations() -> Select[Any]:
    chosen = [conversations.c.id.label("cursor"), conversations.c.id.label("conversation_id"), leads.c.id.label("lead_id")]
    joined = select(*chosen, _none().label("expiry_id")).select_from(conversations)
    return joined.join(leads, leads.c.id == conversations.c.lead_id).where(conversations.c.status == "open")


def _none() -> ColumnElement[Any]:
    return func.nullif(0, 0)


def _fired(rule: Rule, since: ColumnElement[datetime], *, lead: bool) -> ColumnElement[bool]:
    """This rule has fired for this lead (or conversation) since that moment: the occasion is done."""
    same = rule_runs.c.lead_id == leads.c.id if lead else rule_runs.c.conversation_id == conversations.c.id
    return exists().where(rule_runs.c.rule_id == rule.id, rule_runs.c.verdict == "fired", same, rule_runs.c.at >= since)
