"""Post somebody else's payloads at a running server, signed, and count its answers.

Reads every .json file below a folder, and the JSON held in string literals of .py files; every
object with `entry` found anywhere inside is one delivery. Made for the public test payloads of
other projects, which are read from a copy of theirs and never become part of ours.

    python -m leadkeeper.simulator.replay FOLDER --target URL --app-secret SECRET [--as PHONE_NUMBER_ID]

Such payloads name many numbers and use one message id again and again. With `--as` they are all
sent to one connected number, and each message gets an id of its own, so that rows can be counted.
"""

import argparse
import ast
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leadkeeper.channels.whatsapp.webhook import sign
from leadkeeper.simulator.posting import ClientPost, Post


@dataclass(slots=True)
class Replayed:
    """What a replay came to: answers by HTTP status (0: none), and what was refused or failed."""

    files: int = 0
    payloads: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)


def payloads_in(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where it stands, delivery) of every payload below `folder`; files that hold none are passed over."""
    for path in sorted([*folder.rglob("*.json"), *folder.rglob("*.py")]):
        text = path.read_text("utf-8", "replace")
        values = _literals(text) if path.suffix == ".py" else [_json(text)]
        for value in values:
            yield from _deliveries(value, str(path.relative_to(folder)))


async def replay(folder: Path, target: str, secret: bytes, post: Post, number: str = "") -> Replayed:
    """Post every payload once, one after the other; as deliveries to `number` where one is given."""
    result = Replayed()
    seen: set[str] = set()
    for where, found in payloads_in(folder):
        if number:
            _readdress(found, number, result.payloads)
        body = json.dumps(found).encode()
        headers = {"content-type": "application/json", "x-hub-signature-256": sign(secret, body)}
        answer = await post(target, body, headers)
        result.payloads += 1
        result.answers[answer] += 1
        seen.add(where.partition("#")[0])
        if answer != 200:
            result.bad.append(f"{where}: {answer or 'no answer'}")
    result.files = len(seen)
    return result


def _readdress(node: Any, number: str, place: int) -> None:
    """Make `node` a delivery to `number`, its messages different from those of every other place."""
    if isinstance(node, list):
        for item in node:
            _readdress(item, number, place)
    elif isinstance(node, dict):
        if "phone_number_id" in node:
            node["phone_number_id"] = number
        for name in ("messages", "message_echoes"):
            for message in node[name] if isinstance(node.get(name), list) else []:
                if isinstance(message, dict) and isinstance(message.get("id"), str):
                    message["id"] = f"{message['id']}.{place}"
        for item in node.values():
            _readdress(item, number, place)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _literals(source: str) -> Iterator[Any]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and '"entry"' in node.value:
            yield _json(node.value)
        elif isinstance(node, ast.Dict):
            yield from _dict_literal(node)


def _dict_literal(node: ast.Dict) -> Iterator[Any]:
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    if "entry" in keys:
        try:
            yield ast.literal_eval(node)
        except ValueError:
            return


def _deliveries(value: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _deliveries(item, f"{where}#{place}")
    elif isinstance(value, dict):
        if "entry" in value:
            yield where, value
            return
        for name, item in value.items():
            yield from _deliveries(item, f"{where}#{name}")


def main() -> None:
    """Read the arguments, replay, print the counts as JSON; exit code 1 when an answer was not 200."""
    parser = argparse.ArgumentParser(prog="leadkeeper.simulator.replay", description="Post other projects' payloads, signed.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", required=True, help="the webhook's address")
    parser.add_argument("--app-secret", required=True, help="signs the payloads")
    parser.add_argument("--as", dest="number", default="", help="phone_number_id of a connected number: all are sent to it")
    given = parser.parse_args()
    result = asyncio.run(_run(given.folder, given.target, given.app_secret.encode(), given.number))
    shape = {"files": result.files, "payloads": result.payloads, "answers": dict(result.answers), "bad": result.bad}
    sys.stdout.write(json.dumps(shape, indent=1) + "\n")
    sys.exit(0 if result.payloads and not result.bad else 1)


async def _run(folder: Path, target: str, secret: bytes, number: str) -> Replayed:
    post = ClientPost()
    try:
        return await replay(folder, target, secret, post, number)
    finally:
        await post.close()


if __name__ == "__main__":
    main()
