"""Taking the port, and saying clearly who has it when we cannot."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from leadkeeper.cli import listening
from leadkeeper.errors import Misconfigured


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers every GET with `body`."""

    body = b"{}"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def other() -> Iterator[int]:
    """The port of a program that answers `Answer.body`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_whoever_connects_before_anything_is_loaded_waits_instead_of_being_refused() -> None:
    with listening.listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname(), timeout=5) as early:
        accepted, _ = listener.accept()
        accepted.sendall(b"late, but here")
        accepted.close()

        assert early.recv(100) == b"late, but here"


def test_a_taken_port_is_told_with_what_to_do(other: int) -> None:
    with pytest.raises(Misconfigured, match=rf"port {other} .*another program.*LEADKEEPER_PORT={other + 1}"):
        listening.listen("127.0.0.1", other)


def test_a_second_leadkeeper_is_recognised(other: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answer, "body", json.dumps({"ok": True, "product": "leadkeeper"}).encode())

    with pytest.raises(Misconfigured, match="Leadkeeper is running there already"):
        listening.listen("127.0.0.1", other)


def test_an_address_that_is_not_ours_is_told_as_such() -> None:
    with pytest.raises(Misconfigured, match="LEADKEEPER_HOST must be an address of this machine"):
        listening.listen("192.0.2.1", 0)


@pytest.mark.parametrize("body", [b"not json", b"[]", b""])
def test_another_programs_answer_is_not_ours(other: int, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(Answer, "body", body)

    assert not listening.is_ours("127.0.0.1", other)


def test_nobody_there_is_not_us() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    assert not listening.is_ours("127.0.0.1", port)
