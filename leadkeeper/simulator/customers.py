"""Customers who write."""

import asyncio
from collections.abc import Mapping
from typing import Any

from leadkeeper import clock
from leadkeeper.channels.whatsapp.contents import content_of
from leadkeeper.errors import Invalid
from leadkeeper.simulator import payloads
from leadkeeper.simulator.state import Bubble, SimAccount, Simulator

_MOST = 10_000


async def write(simulator: Simulator, given: Mapping[str, Any]) -> dict[str, Any]:
    """Deliver messages of customers to the account's target.

    One message inline or several as `messages`: {from (wa_id or BSUID), name, text} or {from, name,
    message: {type, ...}}, with `id` or `ageSeconds` where wanted. Options: `account` (needed when
    several are connected), `entries` (spread over so many entries of one POST), `repeat` and
    `parallel` (the same bytes so many times, one after the other or at once), `wait` (default true:
    the answers' statuses come back and nothing is repeated; false: at least once, in the background),
    `delayMs` with `wait` false. Answers {ids, answers}. Raises Invalid.
    """
    account = _account(simulator, given)
    rows = given.get("messages", [given])
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Invalid("not a list of messages", {"messages": "a list of objects"})
    messages = [_message(simulator, account, row) for row in rows]
    names = {str(row.get("from")): str(row.get("name") or "Customer") for row in rows}
    body = payloads.envelope(account, *_values(account, messages, names, _number(given, "entries", 1)))
    ids = [message["id"] for message in messages]
    simulator.log.add("inbound", account=account.phone_number_id, ids=ids)
    repeat = _number(given, "repeat", 1)
    if given.get("wait", True) is False:
        for _ in range(repeat):
            simulator.deliverer.later(account, body, float(given.get("delayMs") or 0))
        return {"ids": ids, "answers": []}
    if given.get("parallel"):
        answers = await asyncio.gather(*(simulator.deliverer.now(account, body) for _ in range(repeat)))
        return {"ids": ids, "answers": list(answers)}
    return {"ids": ids, "answers": [await simulator.deliverer.now(account, body) for _ in range(repeat)]}


def _account(simulator: Simulator, given: Mapping[str, Any]) -> SimAccount:
    name = given.get("account")
    if name is None and len(simulator.accounts) == 1:
        return next(iter(simulator.accounts.values()))
    account = simulator.accounts.get(str(name))
    if account is None:
        raise Invalid("no such account", {"account": f"one of {', '.join(simulator.accounts) or 'none'}"})
    return account


def _message(simulator: Simulator, account: SimAccount, row: Mapping[str, Any]) -> dict[str, Any]:
    customer = row.get("from")
    if not isinstance(customer, str) or not customer:
        raise Invalid("a message without sender", {"from": "a wa_id or a business-scoped user id"})
    content = row.get("message")
    if content is None:
        content = payloads.text(str(row.get("text", "")))
    if not isinstance(content, dict):
        raise Invalid("not a message", {"message": "an object with type"})
    now = clock.now().timestamp()
    try:
        timestamp = now - float(row.get("ageSeconds") or 0)
    except (TypeError, ValueError) as problem:
        raise Invalid("not a number", {"ageSeconds": "seconds"}) from problem
    wamid = str(row.get("id") or simulator.new_id("wamid.SIMIN"))
    simulator.heard(account.phone_number_id, customer)
    said = content_of(content)
    simulator.bubble(account.phone_number_id, customer, Bubble(True, said.kind, said.text, now, wamid))
    return payloads.message(wamid, customer, content, timestamp)


def _values(account: SimAccount, messages: list[dict[str, Any]], names: Mapping[str, str], entries: int) -> list[dict[str, Any]]:
    groups = [messages[start::entries] for start in range(min(entries, len(messages)))]
    return [payloads.messages_value(account, group, names) for group in groups]


def _number(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    if not isinstance(value, int) or not 1 <= value <= _MOST:
        raise Invalid("not a number", {name: f"1 to {_MOST}"})
    return value
