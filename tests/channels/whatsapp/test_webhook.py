import json
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from leadkeeper.channels.whatsapp import challenge, sign, verify
from leadkeeper.errors import BadSignature

SECRET = b"app secret of the tests"
BODY = b'{"text":"caf\\u00e9 \\ud83d\\ude00 <\\/b> @ me"}'


def headers(value: str) -> Headers:
    return Headers({"X-Hub-Signature-256": value})


def test_the_signature_over_the_raw_bytes_is_taken() -> None:
    verify(SECRET, headers(sign(SECRET, BODY)), BODY)


def test_a_known_signature_is_taken() -> None:
    # RFC 4231, test case 2: not made by the code under test
    verify(
        b"Jefe",
        headers("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        b"what do ya want for nothing?",
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha256=",
        "sha256",
        sign(SECRET, BODY)[:-1],
        sign(SECRET, BODY)[:20],
        sign(SECRET, BODY) + "0",
        sign(SECRET, BODY).removeprefix("sha256="),
        sign(SECRET, BODY).replace("sha256=", "sha1="),
        sign(SECRET, BODY).upper(),
        sign(b"another secret", BODY),
        sign(b"", BODY),
        sign(SECRET, BODY + b" "),
        "sha256=" + "0" * 64,
        "sha256=é",
    ],
)
def test_wrong_missing_and_short_signatures_are_refused(value: str) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, {"x-hub-signature-256": value}, BODY)


def test_a_missing_header_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, Headers({}), BODY)


def test_without_a_secret_nothing_is_taken_not_even_what_an_empty_one_signed() -> None:
    with pytest.raises(BadSignature):
        verify(b"", headers(sign(b"", BODY)), BODY)


@pytest.mark.parametrize(
    "again",
    [
        json.dumps(json.loads(BODY), ensure_ascii=False).encode(),
        json.dumps(json.loads(BODY)).encode(),
        json.dumps(json.loads(BODY), separators=(",", ":")).encode(),
        BODY.replace(b"\\/", b"/"),
        BODY.replace(b"\\u00e9", b"\\u00E9"),
        BODY + b"\n",
        b"\xef\xbb\xbf" + BODY,
    ],
)
def test_the_same_json_written_otherwise_has_another_signature(again: bytes) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, headers(sign(SECRET, BODY)), again)


def test_the_comparison_takes_constant_time() -> None:
    # The only comparison of the module is hmac.compare_digest; == on secrets would leak how far it got.
    from leadkeeper.channels.whatsapp import webhook

    source = Path(webhook.__file__).read_text()
    assert "compare_digest" in source
    assert "expected ==" not in source
    assert "== expected" not in source


def query(**more: str) -> dict[str, str]:
    return {"hub.mode": "subscribe", "hub.verify_token": "right", "hub.challenge": "1158201444", **more}


def test_the_challenge_comes_back_as_it_is() -> None:
    assert challenge(query(), ["other", "right"]) == "1158201444"


@pytest.mark.parametrize(
    "asked",
    [
        query(**{"hub.verify_token": "wrong"}),
        query(**{"hub.verify_token": ""}),
        query(**{"hub.verify_token": "righ"}),
        query(**{"hub.mode": "unsubscribe"}),
        {"hub.mode": "subscribe", "hub.challenge": "1"},
        {},
    ],
)
def test_a_wrong_verification_is_refused(asked: dict[str, str]) -> None:
    assert challenge(asked, ["right"]) is None


def test_no_verify_token_verifies_nobody() -> None:
    assert challenge(query(**{"hub.verify_token": ""}), ["", ""]) is None
    assert challenge(query(), []) is None
