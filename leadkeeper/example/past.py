"""The rows one message leaves behind, written for a moment in the past: what the jobs would have written then."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from leadkeeper.crm import accounts, conversations, inbound
from leadkeeper.example.business import Person
from leadkeeper.knowledge.index import Found
from leadkeeper.queue.jobs import Lane
from leadkeeper.store.schema import (
    decisions,
    inbound_events,
    jobs,
    messages,
    receipts,
    reply_drafts,
    rule_runs,
    rules,
    tasks,
    timeline,
    webhook_deliveries,
)

RECEIPTS = (("sent", 0.6), ("delivered", 1.4), ("read", 45.0))
"""(status, seconds after the provider took the message)."""
RECEIVED = timedelta(milliseconds=31)
"""A message is stored by then, however long its job had to wait: the deciding comes after it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a story is told: one invented customer's conversation on the simulated account."""

    account_id: int
    number: str
    contact_id: int
    lead_id: int
    conversation_id: int
    person: Person


class Past:
    """Writes rows with moments of their own; the live clock is never touched."""

    def __init__(self, conn: Connection, seed: int = 11) -> None:
        self.conn = conn
        self.random = Random(seed)
        self._numbers = 0

    def wrote(self, place: Place, text: str, at: datetime) -> tuple[int, int]:
        """The customer wrote: delivery, event, message and the two jobs; returns (event, message)."""
        wamid = self._wamid("IN")
        said = {
            "from": place.person.wa_id,
            "id": wamid,
            "timestamp": str(int(at.timestamp())),
            "type": "text",
            "text": {"body": text},
        }
        contact = {"profile": {"name": place.person.name}, "wa_id": place.person.wa_id}
        value = {
            "messaging_product": "whatsapp", "metadata": {"phone_number_id": place.number},
            "contacts": [contact], "messages": [said],
        }  # fmt: skip
        whole = {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
        delivery = self._put(webhook_deliveries, channel="whatsapp", body=json.dumps(whole).encode(), events=1, received_at=at)
        payload = {"field": "messages", "message": said, "contact": contact}
        event = self._put(
            inbound_events, account_id=place.account_id, external_id=wamid, delivery_id=delivery, kind="message",
            sender=place.person.wa_id, payload=payload, occurred_at=at, received_at=at,
        )  # fmt: skip
        key = inbound.in_key(place.account_id, place.person.wa_id)
        for kind, moment in (("inbound_message", at), ("decide", at + RECEIVED)):
            self._job(kind, {"eventId": event}, key, Lane.INBOUND, moment, 0.01)
        message = self._put(
            messages, conversation_id=place.conversation_id, account_id=place.account_id, event_id=event, direction="in",
            kind="text", author="customer", body=text, external_id=wamid, occurred_at=at, created_at=at,
        )  # fmt: skip
        return event, message

    def said(
        self,
        place: Place,
        text: str,
        at: datetime,
        *,
        author: str,
        purpose: str,
        cause: str,
        drafted: tuple[int, int] | None = None,
    ) -> int:
        """We wrote: the message, its send job, and what the provider said of it."""
        took, wamid = timedelta(seconds=self.random.uniform(0.15, 0.6)), self._wamid("OUT")
        draft, job = drafted or (None, None)
        message = self._put(
            messages, conversation_id=place.conversation_id, account_id=place.account_id, direction="out", kind="text",
            author=author, purpose=purpose, body=text, external_id=wamid, state="read", attempt=1, cause=cause,
            state_at=at + took + timedelta(seconds=45), draft_id=draft, job_id=job, occurred_at=at, created_at=at,
        )  # fmt: skip
        token = f"{message}.1"
        key, scope = conversations.out_key(place.conversation_id), accounts.scope(place.account_id)
        sending = self._job("send", {"messageId": message}, key, Lane.REPLY, at, took.total_seconds(), scope)
        self.conn.execute(messages.update().where(messages.c.id == message).values(token=token, send_job_id=sending))
        for status, seconds in RECEIPTS:
            moment = at + took + timedelta(seconds=seconds)
            self._put(
                receipts, account_id=place.account_id, external_id=wamid, token=token, message_id=message, status=status,
                occurred_at=moment, received_at=moment,
            )  # fmt: skip
        return message

    def drafted(
        self, place: Place, question: str, found: Sequence[Found], pick: Mapping[str, Any], at: datetime
    ) -> tuple[int, int]:
        """The reply job and the draft it kept; returns (draft, job)."""
        key = conversations.reply_key(place.conversation_id)
        took = self.random.randint(3, 12)
        job = self._job("reply", {"conversationId": place.conversation_id}, key, Lane.REPLY, at, took / 1000)
        shown = [
            {
                "id": each.passage_id, "documentId": each.document_id, "title": each.title, "place": each.place,
                "score": each.score, "cited": each.passage_id == pick["cited"],
            }
            for each in found[:4]
        ]  # fmt: skip
        draft = self._put(
            reply_drafts, conversation_id=place.conversation_id, job_id=job, revision=1, question=question,
            language=place.person.language, responder="extractive", passages=shown, margin=pick["margin"],
            outcome="answer" if pick["text"] else "handover", reason=pick["reason"], text=pick["text"], checks=[],
            took_ms=took, created_at=at,
        )  # fmt: skip
        return draft, job

    def decided(
        self,
        place: Place,
        event: int,
        message: int,
        outcome: str,
        reason: str,
        opened: datetime,
        closed: datetime,
        answer: int | None = None,
    ) -> None:
        """The decision of an event, closed."""
        self._put(
            decisions, event_id=event, message_id=message, conversation_id=place.conversation_id, outcome=outcome,
            reason=reason, wants_answer=outcome == "answered", answer_id=answer, opened_at=opened, closed_at=closed,
        )  # fmt: skip

    def fired(self, place: Place, rule_key: str, event: int, came_to: str, at: datetime) -> None:
        """One of the first rules fired for an event; nothing where the operator has deleted it."""
        rule = self.conn.execute(select(rules.c.id, rules.c.version).where(rules.c.key == rule_key)).first()
        if rule is None:
            return
        self._put(
            rule_runs, rule_id=rule.id, rule_version=rule.version, verdict="fired", reason="fired", episode=f"event:{event}",
            trace={"effects": [{"status": "done", "reason": came_to}]}, event_id=event, conversation_id=place.conversation_id,
            lead_id=place.lead_id, at=at,
        )  # fmt: skip

    def handed_over(self, place: Place, reason: str, at: datetime, done_at: datetime | None) -> None:
        """The task for a person and the line in the thread."""
        self._put(
            tasks, kind="handover", reason=reason, title=f"Answer conversation {place.conversation_id}", lead_id=place.lead_id,
            conversation_id=place.conversation_id, due_at=at, done_at=done_at,
            dedupe=f"handover:{place.conversation_id}:{int(at.timestamp() * 1_000_000)}", created_at=at,
        )  # fmt: skip
        self._put(timeline, conversation_id=place.conversation_id, kind="handed_over", data={"reason": reason}, at=at)

    def _job(
        self, kind: str, data: dict[str, Any], key: str, lane: int, at: datetime, seconds: float, scope: str | None = None
    ) -> int:
        started = at + timedelta(milliseconds=self.random.randint(2, 20))
        return self._put(
            jobs, type=kind, data=data, status="completed", priority=int(lane), run_at=at, key=key, head=True, attempts=1,
            claim=1, scope=scope, created_at=at, started_at=started, completed_at=started + timedelta(seconds=seconds),
        )  # fmt: skip

    def _put(self, table: Table, **values: Any) -> int:
        return int(self.conn.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())

    def _wamid(self, way: str) -> str:
        self._numbers += 1
        return f"wamid.EXAMPLE{way}{self.random.getrandbits(40):010X}{self._numbers:04X}"
