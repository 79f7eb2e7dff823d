"""The machine: Python, room on the disk, the data folder, the port, the clock."""

import os
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, timedelta

from sqlalchemy import Connection, text

from leadkeeper import clock
from leadkeeper.cli.doctor.findings import Finding, Patient, broken, fine, look
from leadkeeper.cli.listening import is_ours
from leadkeeper.store.room import RESERVE_BYTES, free_bytes

LEAST_PYTHON = (3, 11)
ROOM_BYTES = 10 * RESERVE_BYTES
"""Below this somebody should make room before the reserve is touched and webhooks answer 503."""
MOST_SKEW = timedelta(seconds=2)
"""A worker whose clocks part by more rescues nothing for one lease."""


def python(_patient: Patient) -> Iterator[Finding]:
    """The interpreter is new enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= LEAST_PYTHON:
        yield fine("Python", found)
    else:
        yield broken(
            "Python", found, "the program needs 3.11 or newer", "apt-get install -y python3 python3-venv, then make setup"
        )


def disk(patient: Patient) -> Iterator[Finding]:
    """There is room to go on storing what comes in."""
    folder = patient.settings.data_dir
    free = free_bytes(folder)
    found = f"{free / 1e9:.1f} GB free at {folder}"
    cause, fix = (
        "a message that cannot be stored is refused, and the provider tries again later",
        f"make room on the disk of {folder}",
    )
    if free < patient.settings.disk_reserve_mb * 1_000_000:
        yield broken("disk", found, cause, fix)
    elif free < ROOM_BYTES:
        yield look("disk", found, cause, fix)
    else:
        yield fine("disk", found)


def data_folder(patient: Patient) -> Iterator[Finding]:
    """The data folder is there, ours to write, and closed to others."""
    folder = patient.settings.data_dir
    if not folder.exists():
        yield look("data folder", f"{folder} does not exist yet", "it is made at the first start", "leadkeeper up")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield broken(
            "data folder", f"{folder} cannot be written", "database, media and keys live there", f"chown -R $(id -u) {folder}"
        )
    elif folder.stat().st_mode & 0o077:
        cause = "media and the database can be read by other users of this machine"
        yield look("data folder", f"{folder} is open to others", cause, f"chmod go-rwx {folder}")
    else:
        yield fine("data folder", f"{folder} is ours alone")


def port(patient: Patient) -> Iterator[Finding]:
    """Our port is free, or it is us who listen on it."""
    host, number = patient.settings.host, patient.settings.port
    about, where = "port", f"{host}:{number}"
    try:
        with socket.create_connection((_reachable(host), number), timeout=1):
            pass
    except OSError:
        yield fine(about, f"{where} is free: Leadkeeper is not running here")
        return
    if is_ours(_reachable(host), number):
        yield fine(about, f"Leadkeeper answers on {where}")
    else:
        fix = "stop the other program, or choose another port: LEADKEEPER_PORT=8001"
        yield broken(about, f"another program listens on {where}", "Leadkeeper cannot start there", fix)


def clocks(patient: Patient) -> Iterator[Finding]:
    """This machine and the database server agree on the time."""
    if patient.db is None or patient.db.dialect != "postgresql":
        yield fine("clock", f"{clock.now():%Y-%m-%d %H:%M} UTC; the database lives on this machine")
        return
    skew = abs(patient.db.read_now(_server_ahead))
    found = f"{skew.total_seconds():.1f} s beside the database server"
    if skew > MOST_SKEW:
        cause = "what is due is decided by the server's clock; logs of the two will not match"
        yield look("clock", found, cause, "timedatectl set-ntp true, on both machines")
    else:
        yield fine("clock", found)


def _server_ahead(conn: Connection) -> timedelta:
    moment = conn.execute(text("select clock_timestamp()")).scalar_one()
    return timedelta(seconds=moment.astimezone(UTC).timestamp() - clock.now().timestamp())


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


CHECKS = (python, disk, data_folder, port, clocks)
