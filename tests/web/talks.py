"""Conversations of every kind, written as rows: what is tested with them is what the inbox shows."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, insert, select, update

from leadkeeper import clock
from leadkeeper.crm import accounts, contacts, conversations, expiries, inbound, leads
from leadkeeper.queue.jobs import Lane
from leadkeeper.rules import book
from leadkeeper.store.schema import (
    contacts as people,
)
from leadkeeper.store.schema import (
    conversations as talks,
)
from leadkeeper.store.schema import (
    decisions,
    identities,
    inbound_events,
    jobs,
    messages,
    reply_drafts,
    rule_runs,
    rules,
    templates,
    timeline,
    users,
)
from leadkeeper.store.schema import leads as lead_rows

_numbers = count(1)


class Talk:
    """One customer's conversation. Moments are minutes ago."""

    def __init__(
        self, conn: Connection, name: str | None, phone: str, channel: str = "whatsapp", language: str = "en", **lead: Any
    ) -> None:
        self.conn = conn
        self.sender = phone.lstrip("+")
        self.account_id = accounts.ensure(conn, channel, f"{channel}-1", "Saffron Gate")
        self.contact_id = contacts.create(conn, name=name, phone=phone)
        self.lead_id = leads.for_contact(conn, self.contact_id, channel)
        self.id, _ = conversations.open_one(
            conn, contact_id=self.contact_id, account_id=self.account_id, lead_id=self.lead_id, address=self.sender,
            language=language,
        )  # fmt: skip
        known = {"contact_id": self.contact_id, "account_id": self.account_id, "external_id": self.sender}
        self._put(identities, **known, kind="wa_id", created_at=clock.now())
        if lead:
            conn.execute(update(lead_rows).where(lead_rows.c.id == self.lead_id).values(**lead))
        self._row: dict[str, Any] = {}

    def hears(
        self, text: str, ago: float, outcome: str | None = None, reason: str | None = None, answer: int | None = None, **row: Any
    ) -> int:
        """The customer wrote; `outcome` closes the decision, `fired` names the rule that fired."""
        at = clock.now() - timedelta(minutes=ago)
        fired, decided = row.pop("fired", None), row.pop("decided", True)
        event = self._put(
            inbound_events, account_id=self.account_id, external_id=self._wamid(), kind="message", sender=self.sender, payload={},
            occurred_at=at, received_at=at,
        )  # fmt: skip
        values = {"kind": "text", "external_id": f"wamid.in{event}", "occurred_at": at, **row}
        message = self._put(
            messages, conversation_id=self.id, account_id=self.account_id, event_id=event, direction="in", author="customer",
            body=text, created_at=at, **values,
        )  # fmt: skip
        if decided:
            self._put(
                decisions, event_id=event, message_id=message, conversation_id=self.id, outcome=outcome, reason=reason,
                answer_id=answer, opened_at=at, closed_at=at if outcome else None,
            )  # fmt: skip
        self._put(
            jobs, type="decide", data={"eventId": event}, status="completed", priority=int(Lane.INBOUND), run_at=at, head=True,
            key=inbound.in_key(self.account_id, self.sender), attempts=1, created_at=at, started_at=at, completed_at=at,
        )  # fmt: skip
        if fired:
            self._fired(fired, event, at)
        kept = {"last_inbound_at": at, "last_message_at": at, "preview": (text or f"[{values['kind']}]")[:200]}
        self.is_now(**kept)
        return message

    def says(self, text: str, ago: float, state: str = "read", author: str = "ai", **row: Any) -> int:
        """We wrote; `source` is (title, place) of the passage it came from."""
        at = clock.now() - timedelta(minutes=ago)
        if source := row.pop("source", None):
            row["draft_id"] = self._draft(source, at)
        purpose = {"ai": "reply", "rule": "notice", "person": "person"}[author]
        values = {"kind": "text", "external_id": self._wamid(), "purpose": purpose, "created_at": at, **row}
        message = self._put(
            messages, conversation_id=self.id, account_id=self.account_id, direction="out", author=author, body=text, state=state,
            state_at=at, occurred_at=at, **values,
        )  # fmt: skip
        self.is_now(last_outbound_at=at, last_message_at=at, preview=text[:200])
        return message

    def line(self, kind: str, ago: float, user_id: int | None = None, **data: Any) -> None:
        """Something happened beside the messages."""
        at = clock.now() - timedelta(minutes=ago)
        self._put(timeline, conversation_id=self.id, kind=kind, user_id=user_id, data=data, at=at)

    def waits(self, ago: float, reason: str, unread: int = 1) -> None:
        """It has been handed over and nobody has answered."""
        at = clock.now() - timedelta(minutes=ago)
        self.is_now(owner="nobody", needs_human_since=at, needs_human_reason=reason, unanswered_since=at, unread=unread)

    def is_now(self, **values: Any) -> None:
        """Set columns of the conversation."""
        self.conn.execute(update(talks).where(talks.c.id == self.id).values(**values))

    def knows(self, **values: Any) -> None:
        """Set columns of the contact."""
        self.conn.execute(update(people).where(people.c.id == self.contact_id).values(**values))

    def expires(self, kind: str, days: int, by_person: bool = False) -> None:
        """Something ends in so many days."""
        on = (clock.now() + timedelta(days=days)).date()
        (expiries.set_by_person if by_person else expiries.learn)(self.conn, self.lead_id, kind, on)

    def _fired(self, key: str, event: int, at: Any) -> None:
        rule = self.conn.execute(select(rules.c.id, rules.c.version).where(rules.c.key == key)).one()
        self._put(
            rule_runs, rule_id=rule.id, rule_version=rule.version, verdict="fired", episode=f"event:{event}", trace={},
            event_id=event, conversation_id=self.id, lead_id=self.lead_id, at=at,
        )  # fmt: skip

    def _draft(self, source: Sequence[str], at: Any) -> int:
        passage = {"id": 1, "documentId": 1, "title": source[0], "place": source[1], "score": 0.82, "cited": True}
        return self._put(
            reply_drafts, conversation_id=self.id, job_id=next(_numbers), revision=1, question="?", language="en",
            responder="extractive", passages=[passage], outcome="answer", checks=[], took_ms=4, created_at=at,
        )  # fmt: skip

    def _put(self, table: Any, **values: Any) -> int:
        return int(self.conn.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())

    def _wamid(self) -> str:
        return f"wamid.TALK{next(_numbers)}"


def template(conn: Connection, name: str, body: str, language: str = "en", status: str = "approved") -> int:
    """A template of the WhatsApp account."""
    row = {"channel": "whatsapp", "name": name, "language": language, "body": body, "status": status, "updated_at": clock.now()}
    return int(conn.execute(insert(templates).values(**row).returning(templates.c.id)).scalar_one())


def everything(conn: Connection) -> Mapping[str, int]:
    """A busy inbox: conversation ids by what they are an example of."""
    book.seed(conn)
    book.seed_inbound(conn)
    me = conn.execute(select(users.c.id).where(users.c.role == "owner")).scalars().first()
    template(conn, "visa_offer", "Hello {name}, your offer for {service} is ready. Shall we go through it together?")
    template(conn, "follow_up_ar", "مرحبًا {name}، هل ما زلت مهتمًا بخدمتنا؟", language="ar")
    rich, media = _rich(conn, me), _media(conn)
    others = {
        "doubt": _doubt(conn), "closed_window": _late(conn, me), "opted_out": _unwanted(conn), "arabic": _arabic(conn),
        "mine": _mine(conn, me), "closed": _closed(conn, me),
    }  # fmt: skip
    for at, (name, text) in enumerate(_SMALL):
        talk = Talk(conn, name, f"+97150000{at:04d}", "webchat" if at % 3 == 2 else "whatsapp")
        talk.hears(text, 200 + at * 90, "answered", "documents", talk.says("We are open until 20:00.", 199 + at * 90))
    return {"rich": rich, "media": media, **others}


_SMALL = (
    ("Grace Mutua", "How long does a family visa take?"), ("Lin Haoran", "Do I need my original passport?"),
    ("يوسف بن سالم", "كم تكلفة تأسيس شركة في المنطقة الحرة؟"), ("Elena Markova", "Can I pay in instalments?"),
    ("Bilal Qureshi", "Where is your office?"), ("Thabo Nkosi", "What documents do you need for a licence renewal?"),
    ("Sofia Lindqvist", "Is parking available?"), ("مريم القاسم", "هل تفتحون يوم السبت؟"), ("Chinedu Okafor", "Thank you!"),
)  # fmt: skip


def _rich(conn: Connection, me: int | None) -> int:
    talk = Talk(
        conn, "Priya Nambiar", "+971501234567", stage="qualified", service="freelance_visa", score=75, owner_id=me,
        fields={"visas": 2, "partners": 1}, set_by_person=["service", "stage"], notes="Wants the two-year package.",
        next_follow_up_at=clock.now() + timedelta(hours=20),
    )  # fmt: skip
    talk.knows(email="priya.nambiar@example.com", nationality="Indian", set_by_person=["email"])
    talk.expires("visa", 21)
    talk.expires("passport", 5)
    talk.expires("trade_licence", 160, by_person=True)
    price = "A freelance visa costs AED 7,500 and takes ten working days. It is valid for two years."
    hello = "Hello Priya, welcome to Saffron Gate Business Centre."
    first = talk.says(f"{hello}\n\n{price}", 60 * 26 - 1, source=("Visa guide", "row 12"))
    asked = talk.hears("Hello, how much is a freelance visa?", 60 * 26, "answered", "documents", first, fired="answer")
    second = talk.says(
        "You need a passport copy, a photo and your current visa page.", 60 * 26 - 5, source=("Questions", "row 4")
    )
    talk.hears("And which documents do you need from me?", 60 * 26 - 4, "answered", "documents", second, fired="answer")
    talk.hears("Great 🙏", 60 * 26 - 6, "silent", "thanks", reaction=None)
    conn.execute(update(messages).where(messages.c.id == first).values(reaction="👍"))
    talk.line("note", 60 * 25, me, text="Called her: wants the two-year package, decides this week.")
    talk.line("lead", 60 * 25 - 1, me, changes={"stage": "qualified", "service": "freelance_visa"})
    talk.hears("My visa ends on 14 December. Can you still make it?", 34, "handed_over", "low_score", fired="answer",
               reply_to=f"wamid.in{asked}", edited_at=clock.now() - timedelta(minutes=33))  # fmt: skip
    talk.line("handed_over", 34, reason="low_score")
    talk.says("Thank you. A colleague will answer you here shortly.", 34, "delivered", "rule")
    talk.hears("I would like to talk to a person please", 31, "handed_over", "human", fired="hand_over_human")
    talk.waits(34, "human", unread=2)
    return talk.id


def _media(conn: Connection) -> int:
    talk = Talk(conn, "Rafael Torres", "+971502223344", stage="engaged", service="company_setup")
    stored = {"state": "stored", "file": "shop.png", "mimeType": "image/png", "sizeBytes": 48_000}
    talk.hears("This is the shop", 50, "handed_over", "media", kind="image", media=stored)
    talk.hears("", 49, "handed_over", "media", kind="audio",
               media={"state": "stored", "file": "v.ogg", "mimeType": "audio/ogg; codecs=opus", "voice": True})  # fmt: skip
    talk.hears("", 48, "handed_over", "media", kind="document",
               media={"state": "stored", "file": "d.pdf", "mimeType": "application/pdf", "filename": "Tenancy contract.pdf",
                      "sizeBytes": 2_400_000, "providerId": "secret-provider-id"})  # fmt: skip
    talk.hears("", 47, "handed_over", "media", kind="video", media={"state": "queued", "mimeType": "video/mp4"})
    talk.hears("", 46, "handed_over", "media", kind="image",
               media={"state": "failed", "mimeType": "image/jpeg", "reason": "expired: it is gone"})  # fmt: skip
    place = {"latitude": 25.1972, "longitude": 55.2744, "name": "Al Noor Tower", "address": "Palm Street 12"}
    talk.hears("Al Noor Tower, Palm Street 12", 45, "handed_over", "media", kind="location", media={"details": place})
    card = {"name": "Ana Torres", "phones": ["971505556677"], "emails": []}
    talk.hears("Ana Torres", 44, "handed_over", "media", kind="contacts", media={"details": {"contacts": [card]}})
    talk.hears("Sorry, wrong chat", 43, "silent", "deleted_by_customer", revoked_at=clock.now() - timedelta(minutes=40))
    talk.line("deleted", 40)
    talk.waits(50, "media", unread=6)
    return talk.id


def _doubt(conn: Connection) -> int:
    talk = Talk(conn, "Daniel Okoro", "+971503334455", stage="contacted")
    talk.hears("When do you open tomorrow?", 130, "handed_over", "send_failed")
    talk.says("We open at 9:00.", 129, "failed", reason="Recipient cannot be reached", error_code="131026")
    talk.line("send_failed", 129, code="131026")
    talk.says("We open at 9:00, and Saturday at 10:00.", 120, "needs_human", reason="no clear answer from the provider")
    talk.line("in_doubt", 119)
    talk.says("See you then!", 118, "ready")
    talk.waits(129, "send_failed", unread=0)
    return talk.id


def _late(conn: Connection, me: int | None) -> int:
    talk = Talk(conn, "Lucia Fernandes", "+971504445566", stage="proposal_sent", service="golden_visa")
    talk.hears("I will think about it", 60 * 40, "silent", "thanks")
    talk.says("Of course. Write whenever you like.", 60 * 39, author="person", user_id=me)
    talk.is_now(owner="user", owner_id=me)
    return talk.id


def _unwanted(conn: Connection) -> int:
    talk = Talk(conn, "Karim Benali", "+971505556677", stage="lost")
    talk.hears("STOP", 300, "silent", "opted_out", fired="opt_out")
    talk.line("opt_out", 300, by="word")
    contacts.opt_out(conn, talk.contact_id, "word")
    return talk.id


def _arabic(conn: Connection) -> int:
    talk = Talk(conn, "فاطمة الزهراني", "+971506667788", language="ar", stage="new", service="family_visa")
    answer = talk.says("تستغرق تأشيرة العائلة 7 أيام عمل وتكلف 4,200 درهم.", 12, "delivered", source=("أسئلة وأجوبة", "row 9"))
    talk.hears("السلام عليكم، كم تستغرق تأشيرة العائلة وكم تكلف؟", 12.1, "answered", "documents", answer, fired="answer")
    talk.hears("وهل يمكن الدفع بالتقسيط؟", 0.2)
    talk.is_now(unread=1, unanswered_since=clock.now() - timedelta(minutes=0.2))
    return talk.id


def _mine(conn: Connection, me: int | None) -> int:
    talk = Talk(conn, "Anita Gurung", "+971507778899", stage="in_progress", service="medical")
    talk.hears("My medical is on Thursday, what should I bring?", 90, "handed_over", "person")
    talk.line("assigned", 89, me, to=me)
    talk.says("Your passport and the appointment slip are enough.", 88, "read", "person", user_id=me)
    talk.hears("Thank you so much!", 80, "silent", "user_owns")
    talk.is_now(owner="user", owner_id=me)
    return talk.id


def _closed(conn: Connection, me: int | None) -> int:
    talk = Talk(conn, "Wei Zhang", "+971508889900", stage="completed_won")
    talk.hears("All received, thanks", 60 * 70, "silent", "thanks")
    talk.line("closed", 60 * 69, me)
    talk.is_now(status="closed")
    return talk.id
