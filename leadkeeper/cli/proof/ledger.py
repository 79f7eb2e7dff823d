"""Two books laid side by side: what our rows say of a group of people, and what the provider heard.

Nothing here reads or writes; a claim gathers both books and asks. Messages are told apart by the
id in front of the attempt token's dot, so that a second attempt at one message counts as a second call.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TAKEN = ("accepted", "sent", "delivered", "read")
"""Send states that say the provider has the message."""
IN_DOUBT = ("sending", "unknown", "needs_human")


@dataclass(frozen=True, slots=True)
class Outbound:
    """One outbound message of our rows."""

    id: int
    state: str
    body: str
    purpose: str = "reply"


@dataclass(frozen=True, slots=True)
class Person:
    """What our rows say of one sender: messages stored, the outcomes of their decisions, what we wrote."""

    received: int
    outcomes: tuple[str | None, ...]
    outbound: tuple[Outbound, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the provider's log. `taken`: the message reached its recipient."""

    message_id: int
    to: str
    text: str
    taken: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """Both books of the people who were expected to write."""

    expected: Sequence[str]
    people: Mapping[str, Person]
    calls: Sequence[Call]

    @property
    def lost(self) -> list[str]:
        """Senders whose message is not stored exactly once."""
        return [sender for sender in self.expected if self._person(sender).received != 1]

    @property
    def undecided(self) -> list[str]:
        """Senders with a message nobody has decided."""
        return [sender for sender in self.expected if None in self._person(sender).outcomes or not self._person(sender).outcomes]

    @property
    def outcomes(self) -> dict[str, int]:
        """How the decisions ended."""
        return dict(Counter(str(outcome) for sender in self.expected for outcome in self._person(sender).outcomes))

    @property
    def messages(self) -> list[Outbound]:
        """What was written to them and not taken back, in order of id."""
        found = [one for sender in self.expected for one in self._person(sender).outbound if one.state != "cancelled"]
        return sorted(found, key=lambda one: one.id)

    @property
    def not_one_message(self) -> list[str]:
        """People to whom not exactly one message is stored."""
        written = {sender: [one for one in self._person(sender).outbound if one.state != "cancelled"] for sender in self.expected}
        return [sender for sender, messages in written.items() if len(messages) != 1]

    @property
    def not_one_call(self) -> list[str]:
        """People for whom the provider was not called exactly once."""
        heard = Counter(call.to for call in self.calls)
        return [sender for sender in self.expected if heard[sender] != 1]

    @property
    def taken_twice(self) -> list[str]:
        """Messages the provider took more than once, and people to whom it brought more than one."""
        messages = Counter(call.message_id for call in self.calls if call.taken)
        people = Counter(call.to for call in self.calls if call.taken)
        twice = [f"message {name}" for name, times in messages.items() if times > 1]
        return twice + [sender for sender in self.expected if people[sender] > 1]

    @property
    def in_doubt(self) -> list[int]:
        """Messages whose outcome our rows do not know."""
        return [one.id for one in self.messages if one.state in IN_DOUBT]

    @property
    def unsettled(self) -> list[int]:
        """Messages in doubt although the provider has them, so that its statuses could have told."""
        return [message_id for message_id in self.in_doubt if message_id in self._taken]

    @property
    def forgotten(self) -> list[str]:
        """People the provider brought nothing, and of whom no message in doubt is listed."""
        reached = {call.to for call in self.calls if call.taken}
        return [
            sender
            for sender in self.expected
            if sender not in reached and not any(one.state in IN_DOUBT for one in self._person(sender).outbound)
        ]

    @property
    def contradicted(self) -> list[int]:
        """Messages of which the two books tell different things: taken or not, or another text."""
        texts = {call.message_id: call.text for call in self.calls if call.taken}
        wrong = []
        for one in (one for sender in self.expected for one in self._person(sender).outbound):
            told = one.state in TAKEN
            differs = one.state not in IN_DOUBT and told != (one.id in texts)
            if differs or (told and texts[one.id] != one.body[: len(texts[one.id])]):
                wrong.append(one.id)
        return wrong

    @property
    def _taken(self) -> set[int]:
        return {call.message_id for call in self.calls if call.taken}

    def _person(self, sender: str) -> Person:
        return self.people.get(sender, _STRANGER)


_STRANGER = Person(0, (), ())


def calls_of(entries: Iterable[Mapping[str, Any]]) -> list[Call]:
    """The calls among the entries of the provider's log; refusals of malformed requests count as calls, too."""
    return [
        Call(
            message_id=int(str(entry.get("token") or "0").rpartition("-")[2].partition(".")[0]),
            to=str(entry.get("to") or ""),
            text=str(entry.get("text") or ""),
            taken=bool(entry.get("wamid")),
        )
        for entry in entries
        if entry["kind"] == "send"
    ]


def span(ids: Sequence[int]) -> str:
    """Ids to look at, short: all of a few, first and last of many."""
    if len(ids) <= 6:
        return ", ".join(map(str, ids)) or "none"
    return f"{ids[0]} to {ids[-1]}"
