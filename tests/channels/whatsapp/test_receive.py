from datetime import UTC, datetime

import pytest

from leadkeeper import clock
from leadkeeper.channels.whatsapp import parse, receive
from tests.channels.whatsapp.fixtures import BSUID, BUSINESS, CUSTOMER, NAMES, NUMBER, event, payload

KINDS = {
    "text": ["message"], "text_arabic_emoji": ["message"], "text_bsuid": ["message"], "text_bsuid_only": ["message"],
    "text_sender_in_contact_only": ["message"], "text_bsuid_in_from": ["message"], "text_no_sender": ["unknown"],
    "text_no_contacts": ["message"], "text_two_cards": ["message", "message"], "text_reply": ["message"],
    "text_forwarded": ["message"], "text_frequently_forwarded": ["message"], "text_referred_product": ["message"],
    "text_referral": ["message"], "text_milliseconds": ["message"], "text_future": ["message"],
    "text_bad_timestamp": ["message"], "text_no_id": ["message"], "text_nul_and_surrogate": ["message"],
    "text_group": ["message"], "button": ["message"], "interactive_button_reply": ["message"],
    "interactive_list_reply": ["message"], "interactive_nfm_reply": ["message"], "interactive_nfm_reply_list": ["message"],
    "interactive_nfm_reply_broken": ["message"], "interactive_unknown": ["message"], "image": ["message"],
    "image_caption": ["message"], "video": ["message"], "document": ["message"], "sticker": ["message"],
    "audio": ["message"], "audio_voice": ["message"], "voice": ["message"], "location": ["message"],
    "location_bare": ["message"], "contacts": ["message"], "contacts_own_phone": ["message"], "reaction": ["reaction"],
    "reaction_removed_empty": ["reaction"], "reaction_removed_absent": ["reaction"], "order": ["message"],
    "system_number_changed": ["system"], "system_number_changed_with_ids": ["system"],
    "system_number_changed_old_shape": ["system"], "system_user_id_changed": ["system"],
    "system_name_tries_to_steal": ["system"], "system_identity_changed": ["system"], "edit": ["edit"],
    "edit_image": ["edit"], "edit_same_id": ["edit"], "revoke": ["revoke"], "unsupported": ["message"],
    "unsupported_with_type": ["message"], "unknown_type": ["message"], "ephemeral": ["message"],
    "brand_new_type": ["message"], "type_missing": ["message"], "request_welcome": ["notice"],
    "status_sent": [], "status_delivered": [], "status_read": [], "status_played": [], "status_failed": [],
    "status_deleted": [], "status_warning": [], "status_bsuid": [], "status_group": [], "status_foreign_token": [],
    "status_token_object": [], "status_cbp_pricing": [], "statuses_batch": [],
    "batch_two_entries": ["message"] * 4, "batch_duplicate": ["message"] * 2, "batch_mixed": ["message", "notice"],
    "batch_two_changes": ["message", "notice", "message"], "batch_two_numbers": ["message", "message"],
    "errors_only": ["notice"], "message_errors": ["message"], "template_status": ["notice"], "template_quality": ["notice"],
    "template_category": ["notice"], "template_components": ["notice"], "phone_quality": ["notice"],
    "phone_name": ["notice"], "account_banned": ["notice"], "account_review": ["notice"], "account_alerts": ["notice"],
    "business_capability": ["notice"], "security": ["notice"], "username_update": ["notice"],
    "preferences_stop": ["notice"], "preferences_resume": ["notice"], "echo_text": ["echo"], "echo_bsuid": ["echo"],
    "echo_image": ["echo"], "echo_edit": ["echo"], "echo_revoke": ["echo"], "echo_swapped_ends": ["echo"],
    "echo_no_customer": ["unknown"], "history": ["notice"], "history_media": ["notice"], "history_declined": ["notice"],
    "app_state_sync": ["notice"], "standby": ["notice"], "call_by_customer": ["notice"], "call_by_business": ["notice"],
    "call_status": ["notice"], "group_participants": ["notice"], "user_id_update": ["notice"],
    "unknown_field": ["unknown"], "messages_empty": ["unknown"], "entry_empty": [], "other_object": [],
    "unrouted_number": ["message"],
}  # fmt: skip

SENDERS = {
    "text": CUSTOMER, "text_bsuid": BSUID, "text_bsuid_only": BSUID, "text_sender_in_contact_only": BSUID,
    "text_bsuid_in_from": BSUID, "text_no_sender": "", "text_no_contacts": CUSTOMER, "text_group": CUSTOMER,
    "contacts_own_phone": BSUID, "reaction": CUSTOMER, "edit": CUSTOMER, "revoke": CUSTOMER, "unsupported": CUSTOMER,
    "request_welcome": CUSTOMER, "system_number_changed": CUSTOMER, "system_number_changed_with_ids": BSUID,
    "system_number_changed_old_shape": CUSTOMER, "system_user_id_changed": "AE.BrandNew99",
    "system_identity_changed": CUSTOMER, "echo_text": CUSTOMER, "echo_bsuid": BSUID, "echo_swapped_ends": CUSTOMER,
    "echo_no_customer": "", "preferences_stop": BSUID, "call_by_customer": CUSTOMER, "call_by_business": CUSTOMER,
    "template_status": "", "history": "", "history_media": "", "unknown_field": "",
}  # fmt: skip


def test_every_fixture_is_in_the_table() -> None:
    assert sorted(KINDS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_events_of_each_fixture(name: str) -> None:
    assert [found.kind for found in receive(payload(name)).events] == KINDS[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_event_can_be_stored(name: str) -> None:
    for found in receive(payload(name)).events:
        assert 0 < len(found.external_id) <= 300
        assert len(found.sender) <= 200
        assert found.account
        assert found.occurred_at is None or found.occurred_at <= clock.now()


@pytest.mark.parametrize("name", NAMES)
def test_a_redelivery_has_the_same_ids(name: str) -> None:
    first, second = receive(payload(name)), receive(payload(name))
    assert [found.external_id for found in first.events] == [found.external_id for found in second.events]
    assert first.statuses == second.statuses


@pytest.mark.parametrize("name", NAMES)
def test_different_things_of_a_delivery_have_different_ids(name: str) -> None:
    ids = [found.external_id for found in receive(payload(name)).events]
    assert len(set(ids)) == (1 if name == "batch_duplicate" else len(ids))


@pytest.mark.parametrize(("name", "sender"), SENDERS.items())
def test_events_are_ordered_by_the_customer_concerned(name: str, sender: str) -> None:
    assert event(name).sender == sender


def test_the_account_is_the_number_written_to() -> None:
    assert event("text").account == NUMBER
    assert [found.account for found in receive(payload("batch_two_numbers")).events] == [NUMBER, "301199999999999"]


def test_a_notice_that_names_no_number_carries_the_business_account() -> None:
    assert event("template_status").account == BUSINESS


def test_the_message_id_is_the_events_id() -> None:
    assert event("text").external_id.startswith("wamid.")


def test_a_message_without_id_gets_one_of_its_content() -> None:
    assert event("text_no_id").external_id.startswith("derived:")


def test_an_edit_that_carries_the_edited_messages_own_id_is_not_taken_for_that_message() -> None:
    found = event("edit_same_id")
    assert found.external_id != found.payload["message"]["id"]


def test_time_is_told_by_magnitude() -> None:
    assert event("text").occurred_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert event("text_milliseconds").occurred_at == datetime.fromtimestamp(1_790_000_000.123, UTC)


def test_a_time_in_the_future_is_not_believed() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with clock.use(lambda: now):
        assert event("text_future").occurred_at == now


def test_a_time_that_is_none_is_left_open() -> None:
    assert event("text_bad_timestamp").occurred_at is None


def test_nul_and_lone_surrogates_are_replaced_for_storage() -> None:
    assert event("text_nul_and_surrogate").payload["message"]["text"]["body"] == "zero \ufffd and half \ufffd"


def test_each_message_keeps_its_own_senders_card() -> None:
    first, second = receive(payload("text_two_cards")).events
    assert first.payload["contact"]["profile"]["name"] == "Mariam Haddad"
    assert second.payload["contact"]["profile"]["name"] == "Omar Saleh"


def test_a_card_of_somebody_else_is_never_taken() -> None:
    body = payload("text")
    body["entry"][0]["changes"][0]["value"]["contacts"][0]["wa_id"] = "971500000000"
    [found] = receive(body).events
    assert "contact" not in found.payload
    assert found.sender == CUSTOMER


def test_a_history_import_keeps_no_message() -> None:
    assert "months ago" not in str(event("history").payload)


def test_what_is_not_understood_is_noted_and_kept() -> None:
    received = receive(payload("unknown_field"))
    assert received.notes == ["not understood: field telepathy_update"]
    assert received.events[0].payload["value"] == {"thought": "?"}


@pytest.mark.parametrize("body", [None, [], "text", 7, {}, {"object": "page"}, {"object": "whatsapp_business_account"}])
def test_a_body_of_another_kind_leaves_a_note(body: object) -> None:
    received = receive(body)
    assert received.notes
    assert not received.events
    assert not received.statuses


def test_a_status_carries_our_token_and_the_providers_time() -> None:
    [status] = receive(payload("status_sent")).statuses
    assert (status.account, status.external_id, status.token, status.status) == (NUMBER, "wamid.OURS0100", "12.1", "sent")
    assert status.occurred_at == datetime.fromtimestamp(1_790_000_100, UTC)
    assert status.error_code is None


def test_a_failed_status_tells_its_code_and_why() -> None:
    [status] = receive(payload("status_failed")).statuses
    assert (status.status, status.error_code, status.error) == ("failed", "131026", "The recipient cannot receive it.")


@pytest.mark.parametrize("name", ["status_delivered", "status_read", "status_played", "status_deleted", "status_warning"])
def test_status_words_are_the_providers(name: str) -> None:
    [status] = receive(payload(name)).statuses
    assert status.status == name.removeprefix("status_")


@pytest.mark.parametrize("name", ["status_foreign_token", "status_token_object"])
def test_a_token_that_cannot_be_ours_is_none(name: str) -> None:
    [status] = receive(payload(name)).statuses
    assert status.token is None


def test_every_status_of_a_batch_is_taken() -> None:
    statuses = receive(payload("statuses_batch")).statuses
    assert [status.status for status in statuses] == ["sent", "read", "failed"]


def test_messages_statuses_and_errors_of_one_value_are_all_taken() -> None:
    received = receive(payload("batch_mixed"))
    assert len(received.events) == 2
    assert len(received.statuses) == 1


def test_what_was_stored_is_understood_again() -> None:
    for name in NAMES:
        for found in receive(payload(name)).events:
            parse(found.kind, found.payload)
