"""The port the product listens on: taking it, and saying clearly who has it when we cannot."""

import errno
import http.client
import json
import os
import socket

from dotenv import dotenv_values

from leadkeeper.errors import Misconfigured

HOST, PORT = "127.0.0.1", 8000
"""The defaults of `config.Settings`."""

WAITING = 2048
"""Connections the kernel keeps for us while the server starts or restarts."""


def wanted_address() -> tuple[str, int]:
    """(host, port) as the settings will say: read without loading them, so that the door opens at once.

    Raises Misconfigured for a port that is no number; the settings themselves check the rest.
    """
    given = {**dotenv_values(".env"), **os.environ}
    host, port = given.get("LEADKEEPER_HOST") or HOST, given.get("LEADKEEPER_PORT") or str(PORT)
    if not port.isdigit() or int(port) > 65535:
        raise Misconfigured(f"LEADKEEPER_PORT: {port!r} is not a port; give a number, for example 8000")
    return host, int(port)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Misconfigured, saying what to do, when the port cannot be had.

    It is opened before anything heavy is loaded: whoever connects meanwhile waits instead of being refused.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(WAITING)
    except OSError as error:
        listener.close()
        raise Misconfigured(_why(host, port, error)) from error
    return listener


def is_ours(host: str, port: int) -> bool:
    """True when a Leadkeeper answers there."""
    return answer(host, port, "/healthz").get("product") == "leadkeeper"


def answer(host: str, port: int, path: str) -> dict[str, object]:
    """The JSON object this address answers on `path`; empty when there is none."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        body = json.loads(connection.getresponse().read(10_000))
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    return body if isinstance(body, dict) else {}


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        who = "Leadkeeper is running there already" if is_ours(host, port) else "another program listens there"
        return f"port {port} on {host} is taken: {who}. Stop it, or choose another port, for example LEADKEEPER_PORT={port + 1}"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than we have: choose one above 1023, for example LEADKEEPER_PORT=8000"
    return f"cannot listen on {host}:{port}: {error.strerror}. LEADKEEPER_HOST must be an address of this machine"
