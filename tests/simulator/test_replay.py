import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from leadkeeper.channels.whatsapp import verify
from leadkeeper.simulator.replay import payloads_in, replay

DELIVERY = {"object": "whatsapp_business_account", "entry": []}


def lay_out(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "one.json").write_text(json.dumps(DELIVERY))
    (folder / "deep" / "several.json").write_text(json.dumps({"a": DELIVERY, "b": {"c": DELIVERY}, "d": [DELIVERY]}))
    (folder / "code.py").write_text(f"A = {DELIVERY!r}\nB = '''{json.dumps(DELIVERY)}'''\nC = {{'entry': name}}\n")
    (folder / "broken.json").write_text("{")
    (folder / "broken.py").write_text("def (")
    (folder / "other.json").write_text('{"x": 1}')


def test_every_payload_of_a_tree_is_found(tmp_path: Path) -> None:
    lay_out(tmp_path)
    assert len([found for _, found in payloads_in(tmp_path)]) == 6


async def test_payloads_are_posted_signed_and_the_answers_counted(tmp_path: Path) -> None:
    lay_out(tmp_path)
    posted = 0

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        nonlocal posted
        posted += 1
        verify(b"secret", headers, body)
        return 500 if posted == 2 else 200

    result = await replay(tmp_path, "http://desk", b"secret", post)

    assert (result.files, result.payloads, dict(result.answers)) == (3, 6, {200: 5, 500: 1})
    assert len(result.bad) == 1


async def test_payloads_can_be_sent_to_one_number_each_message_with_an_id_of_its_own(tmp_path: Path) -> None:
    value = {
        "metadata": {"phone_number_id": "theirs"},
        "messages": [{"id": "wamid.X"}, {"id": "wamid.Y"}, "odd"],
        "message_echoes": 1,
    }
    entry = {"entry": [{"changes": [{"field": "messages", "value": value}]}]}
    (tmp_path / "both.json").write_text(json.dumps([entry, entry]))
    bodies: list[bytes] = []

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        bodies.append(body)
        return 200

    await replay(tmp_path, "http://desk", b"secret", post, number="ours")

    values = [json.loads(body)["entry"][0]["changes"][0]["value"] for body in bodies]
    assert [found["metadata"]["phone_number_id"] for found in values] == ["ours", "ours"]
    assert [found["messages"][0]["id"] for found in values] == ["wamid.X.0", "wamid.X.1"]


def test_the_command_counts_and_fails_when_an_answer_is_not_200(tmp_path: Path) -> None:
    lay_out(tmp_path)
    command = [
        sys.executable,
        "-m",
        "leadkeeper.simulator.replay",
        str(tmp_path),
        "--target",
        "http://127.0.0.1:1/",
        "--app-secret",
        "s",
    ]

    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 1
    assert json.loads(result.stdout)["answers"] == {"0": 6}
