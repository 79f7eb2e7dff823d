"""The words rules are told in, English and Arabic side by side."""

from collections.abc import Mapping

Pair = tuple[str, str]

TRIGGERS: Mapping[str, Pair] = {
    "message.received": ("When a customer writes", "عندما يكتب عميل"),
    "followup.due": ("When a follow-up is due", "عندما يحين موعد متابعة"),
    "followup.silent": (
        "When a follow-up is due, or nothing was said for {time}",
        "عندما يحين موعد متابعة أو يمرّ {time} دون أي رسالة",
    ),
    "team.silent": ("When nobody has answered a customer for {time}", "عندما لا يردّ أحد على عميل لمدة {time}"),
    "customer.silent": ("When a customer has not answered us for {time}", "عندما لا يردّ علينا عميل لمدة {time}"),
    "date.approaching": ("{time} before {what}", "قبل {time} من {what}"),
    "date.today": ("On the day of {what}", "في يوم {what}"),
    "date.past": ("{time} after {what}", "بعد {time} من {what}"),
}
LISTS: Mapping[str, Pair] = {
    "human": ("a wish for a person", "طلب التحدث مع موظف"),
    "anger": ("anger", "غضب"),
    "legal": ("legal words", "كلمات قانونية"),
    "refund": ("a wish for money back", "طلب استرداد المال"),
    "payment": ("a payment of theirs", "دفعة تخصّ العميل"),
    "complaint": ("a complaint", "شكوى"),
    "opt_out": ("a word to stop", "كلمة إيقاف"),
    "opt_in": ("a word to start again", "كلمة استئناف"),
    "acknowledgement": ("a mere thank you", "مجرد شكر"),
    "greeting": ("a mere greeting", "مجرد تحية"),
}
OPERATORS: Mapping[str, Pair] = {
    "is": ("{name} is {expected}", "{name} هو {expected}"),
    "isNot": ("{name} is not {expected}", "{name} ليس {expected}"),
    "in": ("{name} is one of {expected}", "{name} أحد: {expected}"),
    "notIn": ("{name} is none of {expected}", "{name} ليس من: {expected}"),
    "containsAny": ("{name} contains one of {expected}", "{name} تحتوي على إحدى: {expected}"),
    "containsAll": ("{name} contains all of {expected}", "{name} تحتوي على كل: {expected}"),
    "startsWith": ("{name} begins with {expected}", "{name} تبدأ بـ {expected}"),
    "over": ("{name} is over {expected}", "{name} أكثر من {expected}"),
    "under": ("{name} is under {expected}", "{name} أقل من {expected}"),
    "between": ("{name} is between {expected}", "{name} بين {expected}"),
    "present": ("{name} is known", "{name} معروف"),
    "absent": ("{name} is not known", "{name} غير معروف"),
    "words.containsAny": ("the message holds {expected}", "في الرسالة {expected}"),
    "words.containsAll": ("the message holds {expected} together", "في الرسالة {expected} معًا"),
    "words.present": ("the message holds any of our word lists", "في الرسالة كلمات من قوائمنا"),
    "words.absent": ("the message holds none of our word lists", "ليس في الرسالة كلمات من قوائمنا"),
}
NEGATED: Mapping[str, Pair] = {
    "message.answerable": ("the message cannot be read", "لا يمكن قراءة الرسالة"),
    "conversation.spoken": ("we have not written to them before", "لم نكتب لهم من قبل"),
    "conversation.window_open": ("the channel does not let us write freely", "لا يمكن الكتابة بحرية"),
    "contact.opted_out": ("the customer takes messages", "العميل يقبل الرسائل"),
    "lead.has_owner": ("nobody owns the lead", "ليس للعميل موظف مسؤول"),
    "time.business_hours": ("it is outside business hours", "الوقت خارج ساعات العمل"),
}
"""Flags when they are not so."""

SPECIAL: Mapping[tuple[str, str, str], Pair] = {
    ("conversation.owner", "isNot", "user"): ("no person looks after the conversation", "لا يتولى المحادثة موظف"),
    ("conversation.owner", "is", "user"): ("a person looks after the conversation", "يتولى المحادثة موظف"),
    ("conversation.owner", "is", "ai"): ("the AI looks after the conversation", "يتولى المحادثة الذكاء الاصطناعي"),
}
VALUES: Mapping[str, Pair] = {
    "new": ("new", "جديد"),
    "contacted": ("contacted", "تم التواصل"),
    "engaged": ("engaged", "متفاعل"),
    "qualified": ("qualified", "مؤهل"),
    "proposal_sent": ("proposal sent", "أُرسل العرض"),
    "in_progress": ("in progress", "قيد التنفيذ"),
    "completed_won": ("won", "مكتمل"),
    "lost": ("lost", "مفقود"),
    "on_hold": ("on hold", "معلّق"),
    "user": ("a person", "موظف"),
    "ai": ("the AI", "الذكاء الاصطناعي"),
    "nobody": ("nobody", "لا أحد"),
}
LIMITS: Mapping[str, Pair] = {
    "day": ("at most once a day per customer", "مرة واحدة يوميًا لكل عميل"),
    "contact": ("once per customer", "مرة واحدة لكل عميل"),
    "ever": ("once only", "مرة واحدة فقط"),
    "cooldown": ("not again within {time}", "لا تتكرر خلال {time}"),
    "per_hour": ("at most {count} an hour", "بحد أقصى {count} في الساعة"),
    "business": ("in business hours only", "في ساعات العمل فقط"),
}
VERDICTS: Mapping[str, Pair] = {
    "fired": ("Done", "نُفّذت"),
    "skipped": ("Not done", "لم تُنفّذ"),
    "deferred": ("Later", "مؤجّلة"),
    "blocked": ("Stopped", "أُوقفت"),
    "failed": ("Failed", "فشلت"),
}
REASONS: Mapping[str, Pair] = {
    "fired": ("everything it asks for was so", "تحققت كل شروطها"),
    "other_trigger": ("this is not what it waits for", "ليس هذا ما تنتظره"),
    "episode_ended": ("what it waited for is over", "انتهى ما كانت تنتظره"),
    "conditions": ("a condition was not met", "لم يتحقق أحد الشروط"),
    "unknown": ("something it asks for is not known", "بعض ما تطلبه غير معروف"),
    "already_settled": ("another rule had decided already", "حسمتها قاعدة أخرى"),
    "no_answer_to_join": ("there was no answer to add to", "لا يوجد رد لتُضاف إليه"),
    "autopilot_off": ("automatic messages are off for this lead", "الرسائل التلقائية متوقفة لهذا العميل"),
    "cooldown": ("it was done not long ago", "نُفّذت منذ وقت قريب"),
    "media": ("a file a person has to look at", "ملف يطّلع عليه موظف"),
    "outside_hours": ("it is outside business hours", "خارج ساعات العمل"),
    "stop_switch": ("all automatic messages are stopped", "كل الرسائل التلقائية متوقفة"),
    "opted_out": ("the customer wants no messages", "العميل لا يريد رسائل"),
    "user_owns": ("a person looks after this conversation", "موظف يتولى هذه المحادثة"),
    "not_ai": ("the conversation waits for a person", "المحادثة بانتظار موظف"),
    "window": ("the channel does not let us write freely now", "القناة لا تسمح بالكتابة الآن"),
    "too_old": ("the message is older than 12 hours", "الرسالة أقدم من 12 ساعة"),
    "restored": ("it may have been sent after the backup that was put back", "ربما أُرسلت بعد النسخة الاحتياطية التي استُعيدت"),
    "loop": ("too many automatic messages in an hour", "رسائل تلقائية كثيرة خلال ساعة"),
    "stale": ("something new was said meanwhile", "قيل شيء جديد في هذه الأثناء"),
    "quiet_hours": ("it is quiet time", "وقت الهدوء"),
    "frequency": ("the customer got enough messages today", "تلقى العميل رسائل كافية اليوم"),
    "rule_cap": ("the rule has done enough this hour", "بلغت القاعدة حدها لهذه الساعة"),
    "same_text": ("the same text was sent lately", "أُرسل النص نفسه مؤخرًا"),
    "fired_before": ("it was done for this occasion before", "نُفّذت لهذه المناسبة من قبل"),
    "acted_without_message": ("done without a message", "نُفّذت دون رسالة"),
    "unanswered": ("three messages stand unanswered", "ثلاث رسائل بلا رد"),
}

EFFECTS: Mapping[str, str] = {
    "answer asked for": "طُلب الرد",
    "message queued": "وُضعت الرسالة في قائمة الإرسال",
    "this occasion has its message already": "أُرسلت رسالة لهذه المناسبة من قبل",
    "task made": "أُنشئت مهمة",
    "this occasion has its task already": "لهذه المناسبة مهمة من قبل",
    "opted out": "أُوقفت الرسائل",
    "opted in": "استُؤنفت الرسائل",
    "they had not opted out": "لم يكن العميل قد أوقف الرسائل",
    "they opted out after writing this": "أوقف العميل الرسائل بعد أن كتب هذا",
    "this channel has no templates": "هذه القناة لا تدعم القوالب",
    "the window is closed and the template is not approved": "النافذة مغلقة والقالب غير معتمد",
    "a person owns the conversation already": "يتولى المحادثة موظف",
    "follow-up cleared": "أُزيل موعد المتابعة",
    "nobody to assign to: handed over": "لا يوجد من تُسند إليه: حُوّلت إلى موظف",
    "we have written to them before": "سبق أن كتبنا لهم",
    "greeting added": "أُضيفت التحية",
    "handed over: {}": "حُوّلت إلى موظف: {}",
    "follow-up on {}": "موعد المتابعة: {}",
    "assigned to user {}": "أُسندت إلى المستخدم {}",
    "stage {}": "المرحلة: {}",
    "the template {} is not approved": "القالب {} غير معتمد",
    "the stage is {} already": "المرحلة هي {} من قبل",
    "silent: {}": "بلا رد: {}",
}
"""What actions say of themselves, in Arabic; `{}` is a value."""

_ARABIC: Mapping[str, tuple[str, str, str, str]] = {
    "minute": ("دقيقة واحدة", "دقيقتين", "دقائق", "دقيقة"),
    "hour": ("ساعة واحدة", "ساعتين", "ساعات", "ساعة"),
    "day": ("يوم واحد", "يومين", "أيام", "يومًا"),
}
"""One, two, three to ten, eleven and more."""


def plural(count: int, unit: str, language: str) -> str:
    """A count with its unit, for example 48 hours or 1 day; in Arabic in the form the count asks for."""
    if language != "ar":
        return f"{count} {unit}" + ("" if count == 1 else "s")
    one, two, few, many = _ARABIC[unit]
    if count in (1, 2):
        return (one, two)[count - 1]
    return f"{count} {few if 3 <= count <= 10 else many}"
