"""The request's JSON: addresses, texts, templates, media; and what is refused before it leaves."""

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadkeeper.channels.base import Rejected
from leadkeeper.channels.whatsapp import send
from leadkeeper.channels.whatsapp.send import attempt_of, payload_of
from leadkeeper.channels.whatsapp.templates import parameter, template
from leadkeeper.simulator.checks import check
from tests.channels.whatsapp import wire
from tests.channels.whatsapp.wire import intent

HERE = "http://sim"
TEMPLATE = {"name": "renewal", "language": "en", "parameters": ["Mariam", "12 March"]}


def shape(**more: Any) -> dict[str, Any]:
    payload = payload_of(intent(HERE, **more))
    assert not isinstance(payload, Rejected), payload
    assert check(payload) is None
    return payload


def refusal(**more: Any) -> str:
    payload = payload_of(intent(HERE, **more))
    assert isinstance(payload, Rejected)
    return payload.code


async def test_the_request_is_what_the_provider_wants() -> None:
    requests: list[httpx2.Request] = []

    async def app(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(200, json={"messages": [{"id": "wamid.1"}]})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(app)) as client:
        await send(client, intent(HERE, "كم؟", reply_to="wamid.IN"), lambda: True)

    [request] = requests
    assert str(request.url) == f"http://sim/v26.0/{wire.NUMBER}/messages"
    assert request.headers["authorization"] == f"Bearer {wire.TOKEN}"
    assert int(request.headers["content-length"]) == len(request.content)
    assert "transfer-encoding" not in request.headers
    assert json.loads(request.content) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "971501234567",
        "type": "text",
        "text": {"body": "كم؟", "preview_url": False},
        "biz_opaque_callback_data": "7.1",
        "context": {"message_id": "wamid.IN"},
    }


def test_the_accounts_own_version_is_used() -> None:
    from leadkeeper.channels.whatsapp.graph import address_of

    account = wire.account("https://graph.example/")
    assert address_of(account, "1/messages") == "https://graph.example/v26.0/1/messages"


@pytest.mark.parametrize("address", ["971501234567", "+971501234567", "+971 50 123-4567", " 971501234567 "])
def test_a_number_goes_as_digits(address: str) -> None:
    assert shape(address=address)["to"] == "971501234567"


@pytest.mark.parametrize("address", ["AE.7Q2xK9mB4tLwPz", "US.ENT.11815799212886844830"])
def test_a_business_scoped_id_goes_as_recipient_untouched(address: str) -> None:
    payload = shape(address=address)
    assert payload["recipient"] == address
    assert "to" not in payload


@pytest.mark.parametrize("address", ["", "visitor-1", "someone@example.com", "12", "1" * 60, "AE.", "ae.abc"])
def test_what_is_no_address_is_refused(address: str) -> None:
    assert refusal(address=address) == "address"


def test_an_empty_text_is_refused() -> None:
    assert refusal(text=" \n ") == "empty"


def test_a_text_may_have_4096_characters() -> None:
    assert shape(text="x" * 4_096)
    assert refusal(text="x" * 4_097) == "too_long"


def test_nul_and_lone_surrogates_do_not_leave() -> None:
    assert shape(text="a\x00b\ud83d")["text"]["body"] == "a\ufffdb\ufffd"


def test_a_template_has_its_parameters_in_order() -> None:
    assert shape(template=TEMPLATE, kind="template")["template"] == {
        "name": "renewal",
        "language": {"code": "en"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "Mariam"}, {"type": "text", "text": "12 March"}]}
        ],
    }


def test_a_template_may_name_its_parameters() -> None:
    made = template({"name": "renewal", "language": "ar", "parameters": {"name": "Mariam"}})
    assert made["components"][0]["parameters"] == [{"type": "text", "parameter_name": "name", "text": "Mariam"}]


def test_a_template_without_parameters_has_no_components() -> None:
    assert "components" not in template({"name": "hello", "language": "en"})


def test_a_template_may_have_a_header_and_buttons() -> None:
    made = template({
        "name": "offer", "language": "en", "header": {"kind": "image", "link": "https://x.example/a.jpg"},
        "buttons": [{"index": 0, "kind": "url", "value": "abc"}, {"index": 1, "value": "STOP"}],
    })  # fmt: skip
    header, url, quick = made["components"]
    assert header["parameters"] == [{"type": "image", "image": {"link": "https://x.example/a.jpg"}}]
    assert (url["sub_type"], url["index"], url["parameters"]) == ("url", "0", [{"type": "text", "text": "abc"}])
    assert quick["parameters"] == [{"type": "payload", "payload": "STOP"}]
    assert template({"name": "a", "language": "en", "header": "Hello"})["components"][0]["parameters"][0]["text"] == "Hello"


@pytest.mark.parametrize(
    ("given_value", "sent"),
    [
        ("plain", "plain"),
        ("two\nlines", "two lines"),
        ("win\r\n\r\nlines", "win lines"),
        ("a\tb", "a b"),
        ("a     b", "a b"),
        ("a   b", "a   b"),
        ("  edges  ", "edges"),
        ("", "-"),
        (" \n\t ", "-"),
        (None, "-"),
        (5000, "5000"),
        ("line\u2028separator", "line separator"),
        ("x" * 2_000, "x" * 1_024),
        ("\x00\ud83d", "\ufffd\ufffd"),
    ],
)
def test_parameters_are_put_right(given_value: object, sent: str) -> None:
    assert parameter(given_value) == sent


@settings(deadline=None)
@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=200))
def test_no_parameter_is_ever_refused_by_its_form(text: str) -> None:
    assert check(shape(template={"name": "t", "language": "en", "parameters": [text]}, kind="template")) is None


def test_media_go_by_link_with_a_caption() -> None:
    payload = shape(kind="document", media={"link": "https://x.example/a.pdf", "filename": "offer.pdf"}, text="our offer")
    assert payload["document"] == {"link": "https://x.example/a.pdf", "caption": "our offer", "filename": "offer.pdf"}


def test_media_go_by_the_id_of_an_upload() -> None:
    assert shape(kind="image", media={"providerId": "123"}, text="")["image"] == {"id": "123"}


def test_a_sound_has_no_caption() -> None:
    assert shape(kind="audio", media={"link": "https://x.example/a.ogg"}, text="listen")["audio"] == {
        "link": "https://x.example/a.ogg"
    }


def test_media_that_cannot_go_are_refused() -> None:
    assert refusal(kind="image", media={"link": "file:///etc/passwd"}) == "media_link"
    assert refusal(kind="image", media={}) == "media_link"
    assert refusal(kind="hologram", media={"link": "https://x.example"}) == "media_kind"
    assert refusal(kind="image", media={"link": "https://x.example"}, text="x" * 1_025) == "too_long"


@pytest.mark.parametrize(("token", "attempt"), [("7.1", 1), ("7.12", 12), ("7", 7), ("x", 1), ("7.", 1), ("7.0", 1)])
def test_the_attempt_is_read_from_the_token(token: str, attempt: int) -> None:
    assert attempt_of(intent(HERE, token=token)) == attempt
