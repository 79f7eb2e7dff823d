"""The facts a condition may name, with their kind, and their words for the rules page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from leadkeeper.rules.business import DAYS
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.words import CLASSES, WHOLE
from leadkeeper.store.schema import STAGES

Value = str | float | bool | frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `kind`: text, choice, number, flag or words. A value of None is unknown: it fires nothing."""

    name: str
    kind: str
    en: str
    ar: str
    read: Callable[[Facts], Value]
    choices: tuple[str, ...] = ()


_FACTS = (
    Fact("message.text", "text", "the message", "الرسالة", lambda f: f.text if f.message_id or f.text else None),
    Fact("message.kind", "text", "the kind of message", "نوع الرسالة", lambda f: f.kind or None),
    Fact(
        "message.words", "words", "the words of the message", "كلمات الرسالة",
        lambda f: frozenset(f.words), (*CLASSES, *WHOLE),
    ),
    Fact("message.answerable", "flag", "the message can be read", "يمكن قراءة الرسالة", lambda f: f.answerable),
    Fact(
        "message.age_hours", "number", "the age of the message in hours", "عمر الرسالة بالساعات",
        lambda f: f.message_age.total_seconds() / 3600,
    ),
    Fact("channel", "text", "the channel", "القناة", lambda f: f.channel or None),
    Fact("conversation.owner", "choice", "who looks after the conversation", "المسؤول عن المحادثة", lambda f: f.owner,
         ("ai", "user", "nobody")),
    Fact("conversation.spoken", "flag", "we have written to them before", "سبق أن كتبنا لهم", lambda f: f.spoken),
    Fact("conversation.language", "text", "the language", "اللغة", lambda f: f.language),
    Fact("conversation.pending_question", "text", "the question we asked", "السؤال المطروح", lambda f: f.pending_question),
    Fact("conversation.window_open", "flag", "the channel lets us write freely", "يمكن الكتابة بحرية",
         lambda f: f.window_open),
    Fact("conversation.hours_to_close", "number", "hours until the channel's window closes",
         "الساعات حتى إغلاق نافذة القناة", lambda f: f.hours_to_close),
    Fact("conversation.unanswered_hours", "number", "hours the customer has waited", "ساعات انتظار العميل",
         lambda f: f.hours_since(f.unanswered_since)),
    Fact("contact.name", "text", "the customer's name", "اسم العميل", lambda f: f.name or None),
    Fact("contact.nationality", "text", "the customer's nationality", "جنسية العميل", lambda f: f.nationality or None),
    Fact("contact.opted_out", "flag", "the customer wants no messages", "العميل لا يريد رسائل", lambda f: f.opted_out),
    Fact("lead.stage", "choice", "the stage", "المرحلة", lambda f: f.stage, STAGES),
    Fact("lead.score", "number", "the score", "التقييم", lambda f: f.score),
    Fact("lead.source", "text", "the source", "المصدر", lambda f: f.source or None),
    Fact("lead.service", "text", "the service", "الخدمة", lambda f: f.service or None),
    Fact("lead.has_owner", "flag", "somebody owns the lead", "للعميل موظف مسؤول", lambda f: f.lead_owner_id is not None),
    Fact("lead.age_days", "number", "the age of the lead in days", "عمر الطلب بالأيام",
         lambda f: None if f.lead_created_at is None else (f.hours_since(f.lead_created_at) or 0.0) / 24),
    Fact("lead.expiry_kind", "text", "what expires", "ما سينتهي", lambda f: f.expiry_kind),
    Fact("lead.expiry_days", "number", "days until it expires", "الأيام حتى الانتهاء", lambda f: f.expiry_days),
    Fact("time.business_hours", "flag", "it is within business hours", "الوقت ضمن ساعات العمل",
         lambda f: f.business.is_open(f.now)),
    Fact("time.weekday", "choice", "the day of the week", "يوم الأسبوع", lambda f: f.weekday, DAYS),
    Fact("time.hour", "number", "the hour of the day", "ساعة اليوم", lambda f: f.business.local(f.now).hour),
    Fact("sent.last_hour", "number", "automatic messages in the last hour", "الرسائل التلقائية في الساعة الأخيرة",
         lambda f: f.automatic_last_hour),
)  # fmt: skip

FACTS: Mapping[str, Fact] = MappingProxyType({fact.name: fact for fact in _FACTS})
