"""The two books of the acceptance report: each way in which they can be wrong is seen."""

from collections.abc import Sequence

from leadkeeper.cli.proof.ledger import Call, Ledger, Outbound, Person, calls_of, span

ANN, BOB = "971551000000", "971551000001"
HOURS = "We are open Monday to Friday."


def said(message_id: int, state: str = "delivered") -> Outbound:
    return Outbound(message_id, state, HOURS)


def person(*outbound: Outbound, received: int = 1, outcomes: tuple[str | None, ...] = ("answered",)) -> Person:
    return Person(received, outcomes, outbound)


def call(message_id: int, to: str, *, taken: bool = True, text: str = HOURS) -> Call:
    return Call(message_id, to, text, taken)


def books(people: dict[str, Person], calls: Sequence[Call]) -> Ledger:
    return Ledger([ANN, BOB], people, calls)


def complaints(ledger: Ledger) -> set[str]:
    """The names of the questions that are not answered as they should be."""
    asked = (
        "lost", "undecided", "not_one_message", "not_one_call", "taken_twice", "in_doubt", "unsettled", "forgotten",
        "contradicted",
    )  # fmt: skip
    return {name for name in asked if getattr(ledger, name)}


GOOD = {ANN: person(said(1)), BOB: person(said(2))}
CALLS = [call(1, ANN), call(2, BOB)]


def test_nothing_is_wrong_with_books_that_agree() -> None:
    ledger = books(GOOD, CALLS)

    assert complaints(ledger) == set()
    assert ledger.outcomes == {"answered": 2}


def test_a_message_that_is_missing_or_stored_twice_is_lost() -> None:
    assert books({ANN: GOOD[ANN]}, CALLS[:1]).lost == [BOB]
    assert books({**GOOD, BOB: person(said(2), received=2)}, CALLS).lost == [BOB]


def test_two_answers_to_one_and_none_to_another_do_not_make_one_each() -> None:
    ledger = books({ANN: person(said(1), said(2)), BOB: person()}, [call(1, ANN), call(2, ANN)])

    assert len(ledger.messages) == len(ledger.expected)
    assert ledger.not_one_message == [ANN, BOB]
    assert ledger.not_one_call == [ANN, BOB]


def test_a_second_attempt_at_one_message_is_a_second_call_whatever_its_token() -> None:
    log = [
        {"kind": "send", "to": ANN, "token": f"1.{attempt}", "text": HOURS, "wamid": f"wamid.{attempt}"} for attempt in (1, 2)
    ]  # fmt: skip

    ledger = books(GOOD, [*calls_of(log), call(2, BOB)])

    assert ledger.taken_twice == ["message 1", ANN]


def test_a_message_nobody_has_decided_is_seen() -> None:
    assert books({**GOOD, ANN: person(said(1), outcomes=(None,))}, CALLS).undecided == [ANN]
    assert books({**GOOD, ANN: person(said(1), outcomes=())}, CALLS).undecided == [ANN]


def test_in_doubt_is_right_only_when_the_provider_does_not_have_it() -> None:
    doubtful = {**GOOD, ANN: person(said(1, "unknown"))}

    never_arrived = books(doubtful, [call(2, BOB)])
    arrived = books(doubtful, CALLS)

    assert complaints(never_arrived) == {"not_one_call", "in_doubt"}
    assert arrived.unsettled == [1]


def test_who_was_neither_served_nor_is_listed_is_forgotten() -> None:
    assert books({**GOOD, ANN: person(said(1, "failed"))}, [call(1, ANN, taken=False), call(2, BOB)]).forgotten == [ANN]


def test_a_row_that_tells_another_story_than_the_provider_is_a_contradiction() -> None:
    accepted_by_our_book_alone = books(GOOD, [call(1, ANN, taken=False), call(2, BOB)])
    failed_by_our_book_alone = books({**GOOD, ANN: person(said(1, "failed"))}, CALLS)
    cancelled_and_sent_all_the_same = books({**GOOD, ANN: person(said(1, "cancelled"))}, CALLS)
    another_text = books(GOOD, [call(1, ANN, text="Something else"), call(2, BOB)])

    for ledger in (accepted_by_our_book_alone, failed_by_our_book_alone, cancelled_and_sent_all_the_same, another_text):
        assert ledger.contradicted == [1]


def test_ids_to_look_at_stay_short() -> None:
    assert (span([]), span([4]), span(list(range(1, 8)))) == ("none", "4", "1 to 7")
