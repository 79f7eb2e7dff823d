"""Why a message was decided as it was, in words people use. A reason of somebody's own rule is shown as it stands."""

from collections.abc import Mapping
from types import MappingProxyType

from leadkeeper.web.filters import humanise
from leadkeeper.web.words import t

WORDS: Mapping[str, str] = MappingProxyType({
    "documents": "a document answers it",
    "model": "written from the documents and checked",
    "greeting": "it is only a greeting",
    "thanks": "it is only thanks",
    "no_passage": "no document says anything about it",
    "low_score": "no document answers it well enough",
    "close_rivals": "two documents answer it differently",
    "already_said": "the answer was given already and did not help",
    "other_language": "the answer exists in another language only",
    "no_ground": "no document answers it",
    "human": "they asked for a person",
    "anger": "they are angry",
    "legal": "they speak of the law",
    "refund": "they want money back",
    "payment": "it is about a payment of theirs",
    "complaint": "they complain",
    "media": "a file a person must look at",
    "opted_out": "they want no messages",
    "opt_out": "they want no messages",
    "user_owns": "a person answers here",
    "not_ai": "a person answers here",
    "person": "a person took over",
    "job_failed": "the job failed",
    "send_failed": "the answer could not be delivered",
    "too_old": "the message came too late",
    "window": "the channel’s window is closed",
    "stop_switch": "automatic messages are switched off",
    "restored": "it may have been answered after the backup that was put back",
    "restored from a backup: it may have been sent since": "it may have been sent after the backup that was put back",
    "loop": "too many automatic messages in an hour",
    "no_rule": "no rule asks for an answer",
    "no_sender": "the provider did not say who wrote it",
    "deleted_by_customer": "the customer deleted it",
    "opted_in": "they want messages again",
    "stale: the customer wrote again": "the customer had written again",
    "resent by a person": "sent again by a person",
    "tried again by a person": "tried again by a person",
    "the worker died while sending it": "the worker died while sending it",
    "its job ended while it was being sent": "its job ended while it was being sent",
})  # fmt: skip


def because(language: str, reason: str | None) -> str:
    """The words of a stored reason in the reader's language; nothing for None."""
    return "" if reason is None else t(language, WORDS.get(reason) or humanise(reason))
