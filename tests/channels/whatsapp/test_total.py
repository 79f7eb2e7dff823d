"""Whatever a signed delivery holds, it is taken apart, understood and storable. Nothing raises."""

import copy
import json
import math
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadkeeper import clock
from leadkeeper.channels.storable import storable, storable_text
from leadkeeper.channels.whatsapp import parse, receive
from tests.channels.whatsapp.fixtures import NAMES, payload

TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
WORDS = st.sampled_from([
    "object", "whatsapp_business_account", "entry", "changes", "value", "field", "messages", "statuses", "errors", "contacts",
    "type", "text", "from", "id", "system", "edit", "interactive", "smb_message_echoes", "message_echoes", "user_preferences",
    "history",
])  # fmt: skip
LIKE = st.recursive(
    JSON | WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6), max_leaves=30
)

calmly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def nothing_raises(body: Any) -> None:
    received = receive(body)
    for event in received.events:
        stored = json.loads(json.dumps(event.payload, allow_nan=False).encode())
        assert "\x00" not in json.dumps(stored, ensure_ascii=False)
        assert len(event.external_id) <= 300
        assert len(event.sender) <= 200
        assert len(event.account) <= 200
        for text in (event.external_id, event.sender, event.account, event.kind):
            text.encode()
        assert event.occurred_at is None or event.occurred_at <= clock.now()
        inbound = parse(event.kind, stored)
        json.dumps(dict(inbound.details), allow_nan=False)
        for part in (inbound.text, inbound.name or "", inbound.phone or "", inbound.reaction or "", inbound.target or ""):
            part.encode()
        assert all(len(one.external_id) <= 200 for one in inbound.identities)
    for status in received.statuses:
        assert len(status.external_id) <= 300
        assert len(status.token or "") <= 64
        assert len(status.status) <= 16
        assert len(status.error_code or "") <= 32
        (status.external_id + (status.token or "") + status.status + (status.error or "")).encode()
    for note in received.notes:
        note.encode()


@calmly
@given(JSON)
def test_any_json_is_taken(body: Any) -> None:
    nothing_raises(body)


@calmly
@given(LIKE)
def test_anything_in_the_shape_of_a_delivery_is_taken(inner: Any) -> None:
    for field in ("messages", "smb_message_echoes", "user_preferences", "calls", "history", "other"):
        change = {"field": field, "value": inner}
        nothing_raises({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})


@calmly
@given(st.sampled_from(["message", "echo", "system", "edit", "revoke", "reaction", "notice", "unknown", "?"]), LIKE)
def test_any_stored_event_is_understood(kind: str, inner: Any) -> None:
    parse(kind, {"message": inner, "contact": inner, "value": inner})
    parse(kind, inner if isinstance(inner, dict) else {})


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_fixture_with_any_part_replaced_is_taken(data: st.DataObject) -> None:
    body = copy.deepcopy(payload(data.draw(st.sampled_from(NAMES))))
    for _ in range(data.draw(st.integers(1, 3))):
        replace_somewhere(body, data)

    nothing_raises(body)


def replace_somewhere(node: Any, data: st.DataObject) -> None:
    """Walk down a random way and put something else at its end."""
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], (dict, list)) and node[key] and data.draw(st.integers(0, 4)):
            node = node[key]
            continue
        if isinstance(node, dict) and data.draw(st.booleans()):
            del node[key]
        else:
            node[key] = data.draw(JSON)
        return


def test_nesting_without_end_is_cut() -> None:
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = [deep]
    nothing_raises(
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": {"messages": deep}}]}]}
    )


def test_numbers_beyond_all_measure_are_taken() -> None:
    body = payload("text")
    message = body["entry"][0]["changes"][0]["value"]["messages"][0]
    for value in (10**5_000, -(10**400), math.inf, -math.inf, math.nan, 1e308, "1e400", "9" * 100, -1, 0, True):
        message["timestamp"] = value
        message["from"] = value
        nothing_raises(body)


@calmly
@given(JSON)
def test_what_is_made_storable_stays_as_it_is(value: Any) -> None:
    once = storable(value)
    assert storable(once) == once
    json.dumps(once, ensure_ascii=False, allow_nan=False).encode()


@calmly
@given(TEXTS)
def test_texts_keep_their_length(text: str) -> None:
    clean = storable_text(text)
    assert len(clean) == len(text)
    assert "\x00" not in clean
    clean.encode()
