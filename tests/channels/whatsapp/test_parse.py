import pytest

from leadkeeper.channels.base import Identity
from tests.channels.whatsapp.fixtures import BSUID, CUSTOMER, event, understood

# fixture, kind, text, may the text alone be answered
SAID = [
    ("text", "text", "How much is a freelance visa?", True),
    ("text_arabic_emoji", "text", "مرحبا 👋🏽 كم تكلفة الرخصة؟", True),
    ("text_bsuid_only", "text", "No number here", True),
    ("text_reply", "text", "Yes, that one", True),
    ("text_referral", "text", "I saw your ad", True),
    ("text_group", "text", "hello all", False),
    ("text_nul_and_surrogate", "text", "zero \ufffd and half \ufffd", True),
    ("type_missing", "text", "guess my type", True),
    ("message_errors", "text", "with an error beside", True),
    ("button", "button", "Yes, renew", True),
    ("interactive_button_reply", "button_reply", "Visa services", True),
    ("interactive_list_reply", "list_reply", "Mainland licence", True),
    ("interactive_nfm_reply", "form", "full_name: Mariam\npartners: 2", False),
    ("interactive_nfm_reply_list", "form", "", False),
    ("interactive_nfm_reply_broken", "form", "", False),
    ("interactive_unknown", "interactive", "", False),
    ("image", "image", "", False),
    ("image_caption", "image", "Is this passport page enough?", True),
    ("video", "video", "", False),
    ("document", "document", "my licence", True),
    ("sticker", "sticker", "", False),
    ("audio", "audio", "", False),
    ("audio_voice", "audio", "", False),
    ("voice", "audio", "", False),
    ("location", "location", "Trade Centre, Sheikh Zayed Road", False),
    ("location_bare", "location", "", False),
    ("contacts", "contacts", "Karim Nasser", False),
    ("contacts_own_phone", "contacts", "", False),
    ("order", "order", "please hurry", False),
    ("unsupported", "unsupported", "", False),
    ("unsupported_with_type", "unsupported", "", False),
    ("unknown_type", "unknown", "", False),
    ("ephemeral", "unknown", "", False),
    ("brand_new_type", "unknown", "", False),
    ("text_no_sender", "nameless", "From nobody", False),
]
NOTICES = [
    "request_welcome", "errors_only", "template_status", "template_quality", "template_category", "template_components",
    "phone_quality", "phone_name", "account_banned", "account_review", "account_alerts", "business_capability", "security",
    "username_update", "history", "history_media", "app_state_sync", "standby", "call_by_customer", "call_status",
    "group_participants", "user_id_update", "unknown_field", "echo_no_customer", "system_identity_changed",
    "messages_empty",
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "text", "answerable"), SAID)
def test_what_was_said(name: str, kind: str, text: str, answerable: bool) -> None:
    found = understood(name)
    assert (found.kind, found.text, found.answerable) == (kind, text, answerable)


@pytest.mark.parametrize("name", NOTICES)
def test_what_no_customer_said_is_a_notice(name: str) -> None:
    found = understood(name)
    assert (found.kind, found.answerable) == ("notice", False)


def test_all_ids_of_the_customer_are_told_the_one_to_answer_to_first() -> None:
    assert understood("text_bsuid").identities == (
        Identity(BSUID, "bsuid"),
        Identity(CUSTOMER, "wa_id"),
        Identity("AE.ENT.55Hj3kQpX1", "parent_bsuid"),
    )


def test_a_business_scoped_id_in_the_place_of_the_number_is_no_phone() -> None:
    found = understood("text_bsuid_in_from")
    assert found.identities == (Identity(BSUID, "bsuid"),)
    assert found.phone is None


def test_a_wa_id_is_an_international_number() -> None:
    assert understood("text").phone == f"+{CUSTOMER}"


def test_the_name_is_the_one_the_customer_chose() -> None:
    assert understood("text").name == "Mariam Haddad"
    assert understood("text_bsuid").details["username"] == "@mariam.h"


def test_a_quoted_message_is_told() -> None:
    assert understood("text_reply").reply_to == "wamid.OURS0001"
    assert understood("text").reply_to is None


def test_forwarding_and_a_product_asked_about_are_shown() -> None:
    assert understood("text_forwarded").details["forwarded"] is True
    assert understood("text_frequently_forwarded").details["frequently_forwarded"] is True
    assert understood("text_referred_product").details["product"]["product_retailer_id"] == "LICENCE-1"


def test_the_advertisement_is_kept() -> None:
    referral = understood("text_referral").referral
    assert referral is not None
    assert referral["ctwa_clid"] == "ARclick77"


def test_a_group_message_names_its_group() -> None:
    assert understood("text_group").details["group"] == "Y2FwaV9ncm91cDoxMjM"


def test_a_button_keeps_its_payload() -> None:
    assert understood("button").details["payload"] == "RENEW_YES"
    assert understood("interactive_list_reply").details == {"id": "mainland", "description": "Trade everywhere"}


def test_a_forms_answers_are_kept_in_any_shape() -> None:
    assert understood("interactive_nfm_reply").details["answers"]["partners"] == 2
    assert understood("interactive_nfm_reply_list").details["answers"] == ["a", "b"]
    assert understood("interactive_nfm_reply_broken").details["answers"] == "{not json"


@pytest.mark.parametrize("name", ["image", "image_caption", "video", "document", "sticker", "audio", "audio_voice", "voice"])
def test_a_medium_can_be_fetched(name: str) -> None:
    media = understood(name).media
    assert media is not None
    assert media.provider_id == "778899001122"
    assert media.mime_type
    assert media.sha256


def test_a_voice_note_is_told_from_a_sound_file() -> None:
    voices = {name: understood(name).media for name in ("audio", "audio_voice", "voice")}
    assert [media.voice for media in voices.values() if media] == [False, True, True]


def test_a_documents_name_is_kept() -> None:
    media = understood("document").media
    assert media is not None
    assert media.filename == "licence.pdf"


def test_a_place_is_shown() -> None:
    assert understood("location").details["latitude"] == 25.2048


def test_the_customers_own_number_is_taken_when_they_shared_it() -> None:
    assert understood("contacts_own_phone").phone == "+971501234567"


def test_somebody_elses_card_is_not_the_customers_number() -> None:
    found = understood("contacts")
    assert found.phone == f"+{CUSTOMER}"
    [card] = found.details["contacts"]
    assert card == {"name": "Karim Nasser", "phones": ["971501112222"], "emails": ["karim@example.com"]}


def test_an_order_lists_its_items() -> None:
    [item] = understood("order").details["items"]
    assert item["product_retailer_id"] == "LICENCE-1"


def test_a_reaction_names_its_message() -> None:
    found = understood("reaction")
    assert (found.kind, found.target, found.reaction, found.answerable) == ("reaction", "wamid.OURS0004", "👍", False)


@pytest.mark.parametrize("name", ["reaction_removed_empty", "reaction_removed_absent"])
def test_a_reaction_taken_away_is_none(name: str) -> None:
    assert (understood(name).kind, understood(name).reaction) == ("reaction", None)


def test_an_edit_brings_the_new_text() -> None:
    found = understood("edit")
    assert (found.kind, found.target, found.text) == ("edit", "wamid.FIRST01", "How much is a golden visa?")
    assert understood("edit_image").text == "new caption"


def test_a_deleted_message_is_named() -> None:
    found = understood("revoke")
    assert (found.kind, found.target, found.text) == ("revoke", "wamid.FIRST03", "")


def test_why_a_message_is_not_supported_is_kept() -> None:
    assert understood("unsupported").details["code"] == "131051"
    assert understood("unsupported_with_type").details["type"] == "poll_creation"


@pytest.mark.parametrize("name", ["system_number_changed", "system_number_changed_old_shape"])
def test_a_changed_number_moves_the_identity(name: str) -> None:
    found = understood(name)
    assert (found.kind, found.moved_from, found.phone) == ("moved", (CUSTOMER,), "+971507654321")
    assert found.identities == (Identity("971507654321", "wa_id"),)


def test_a_changed_number_moves_the_business_scoped_id_too() -> None:
    found = understood("system_number_changed_with_ids")
    assert set(found.moved_from) == {CUSTOMER, BSUID}
    assert found.identities == (Identity("AE.NewAfterMove1", "bsuid"), Identity("971507654321", "wa_id"))


def test_a_changed_user_id_is_read_from_the_providers_sentence() -> None:
    found = understood("system_user_id_changed")
    assert (found.kind, found.moved_from) == ("moved", (BSUID,))
    assert found.identities == (Identity("AE.BrandNew99", "bsuid"),)


def test_a_name_that_looks_like_the_providers_sentence_moves_nobody_else() -> None:
    assert understood("system_name_tries_to_steal").moved_from == (BSUID,)


@pytest.mark.parametrize(("name", "choice"), [("preferences_stop", "stop"), ("preferences_resume", "resume")])
def test_the_choice_about_marketing_is_told(name: str, choice: str) -> None:
    found = understood(name)
    assert (found.kind, found.details["marketing"]) == ("preferences", choice)
    assert found.identities[0] == Identity(BSUID, "bsuid")


def test_what_the_business_wrote_from_its_phone_belongs_to_the_customers_thread() -> None:
    found = understood("echo_text")
    assert (found.kind, found.text, found.answerable) == ("echo", "I will call you in ten minutes", False)
    assert found.identities == (Identity(CUSTOMER, "wa_id"),)
    assert understood("echo_swapped_ends").identities == (Identity(CUSTOMER, "wa_id"),)
    assert understood("echo_bsuid").identities == (Identity(BSUID, "bsuid"),)


def test_an_echo_shows_media_edits_and_deletions() -> None:
    image, edit, revoke = understood("echo_image"), understood("echo_edit"), understood("echo_revoke")
    assert image.media is not None
    assert image.text == "the form"
    assert (edit.details["act"], edit.target, edit.text) == ("edit", "wamid.APP01", "in twenty minutes")
    assert (revoke.details["act"], revoke.target) == ("revoke", "wamid.APP02")


def test_a_call_names_the_customer_whoever_rang() -> None:
    for name in ("call_by_customer", "call_by_business"):
        assert understood(name).identities == (Identity(CUSTOMER, "wa_id"),)


def test_nothing_of_a_stored_event_is_changed_by_reading_it() -> None:
    found = event("interactive_nfm_reply")
    before = repr(found.payload)
    understood("interactive_nfm_reply")
    assert repr(found.payload) == before
