"""What is asked, and what is searched for it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from leadkeeper.ai.courtesies import is_greeting, is_thanks
from leadkeeper.knowledge.concepts import concepts_of
from leadkeeper.knowledge.vocabulary import function_stems
from leadkeeper.knowledge.words import stem, words

SHORT_STEMS = 3
"""A message of fewer words that mean something may lean on what was said before it."""
ATTRIBUTES = frozenset({"=price", "=free", "=time", "=available", "=size", "=deposit", "=discount"})
"""Concepts that are asked of something: "how much?" has a subject, and it is not in the message."""
_POINTING = frozenset(words("it its that this those these them one same too")) | frozenset(
    words("هو هي هذا هذه ذلك تلك منه منها عنه عنها عليه عليها له لها فيه فيها")
)
_GOING_ON = ("and", "also", "what about", "how about", "then", "or", "وماذا عن", "وماذا", "وكم", "وهل", "طيب", "ايضا")


@dataclass(frozen=True, slots=True)
class Question:
    """The unanswered messages of a conversation, oldest first, and the thread they end.

    `thread` holds (customer | us, text), oldest first; the unanswered messages may be its last turns.
    """

    texts: Sequence[str]
    language: str
    thread: Sequence[tuple[str, str]] = ()
    calls_left: int = 2
    """model calls this job may still make: 2 less `drafts.calls`"""

    @property
    def text(self) -> str:
        """Everything asked, without messages that are only a greeting or thanks when others ask more."""
        asking = [text for text in self.texts if not is_greeting(text) and not is_thanks(text)]
        return "\n".join(asking or self.texts).strip()

    @property
    def before(self) -> str | None:
        """The customer's message before these, if it asked something."""
        told = [text for by, text in self.thread if by == "customer"]
        own = list(self.texts)
        while own and told and told[-1] == own[-1]:
            told.pop()
            own.pop()
        return next((text for text in reversed(told) if not is_greeting(text) and not is_thanks(text)), None)


def searches(question: Question) -> list[str]:
    """What to search for, in order, until a search gives an answer.

    A message without a subject ("how much is it?") is searched together with the one before it, its own
    words counting double; one that is only short ("and parking?") first alone. Any other stands for itself.
    """
    text, before = question.text, question.before
    if before is None:
        return [text]
    together = f"{before}\n{text}\n{text}"
    if lacks_subject(text):
        return [together]
    return [text, together] if is_short(text) else [text]


def lacks_subject(text: str) -> bool:
    """True when a message names nothing but a price, a time and the like, or only "it" and "that"."""
    return all(concepts and concepts <= ATTRIBUTES for concepts in ({*concepts_of([each])} for each in _meaning(text)))


def is_short(text: str) -> bool:
    """True when few words mean something, or the message begins as a continuation."""
    start = " ".join(words(text))
    return len(_meaning(text)) < SHORT_STEMS or start.startswith(tuple(f"{each} " for each in _GOING_ON))


def _meaning(text: str) -> set[str]:
    return {stem(word) for word in words(text) if word not in _POINTING} - function_stems()
