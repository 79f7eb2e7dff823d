"""The life of an installation: start, invitation, a death in the middle, stop; and every clear refusal."""

import os
import pty
import re
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from leadkeeper.store.database import Database
from tests.cli.processes import PATIENCE, Running, environment, until

Start = Callable[..., Running]


@pytest.fixture
def port() -> str:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path, port: str) -> Iterator[Start]:
    """Starts commands that are ended after the test."""
    running: list[Running] = []

    def begin(*arguments: str, **settings: str) -> Running:
        running.append(Running(tmp_path, *arguments, **{"PORT": port, "LOG_FORMAT": "text", **settings}))
        return running[-1]

    yield begin
    for each in running:
        each.end()


def resident_kb(pid: int) -> int:
    (resident,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(resident)


def at_rest_kb(pid: int) -> int:
    """Resident memory of a process once it does not grow any more."""
    before, after = -1, resident_kb(pid)
    while before != after:
        time.sleep(0.3)
        before, after = after, resident_kb(pid)
    return after


def child_and_spare(up: Running) -> list[int]:
    """In the order they were started."""
    for _ in range(400):
        if len(found := up.children()) == 2:
            return found
        time.sleep(0.05)
    raise AssertionError(f"a child and its spare expected, {found}")


def test_from_nothing_to_an_invitation_through_a_sudden_death_to_a_clean_stop(start: Start, tmp_path: Path) -> None:
    up = start("up", "--quiet")
    said = up.wait_for("Ctrl+C")
    assert "database, schema none ->" in said
    (link,) = re.findall(r"http://\S+(/setup\?token=\S+)", said)
    assert up.get(link).status_code == 200
    assert up.get("/healthz").json() == {"ok": True, "product": "leadkeeper"}
    assert up.get("/readyz").status_code == 200

    child, spare = child_and_spare(up)
    with socket.create_connection(("127.0.0.1", int(up.settings["PORT"])), 20) as caller:
        caller.sendall(b"GET /healthz HTTP/1.1\r\nx: " + b"y" * 70_000)
        assert b"400" in caller.recv(100)

    assert resident_kb(up.process.pid) < 40_000
    assert resident_kb(up.process.pid) + resident_kb(child) + at_rest_kb(spare) < 200_000
    assert "psycopg" not in Path(f"/proc/{child}/maps").read_text(), "SQLite does not pay for PostgreSQL"

    os.kill(child, signal.SIGKILL)

    assert up.get(link).status_code == 200
    assert up.children()[0] == spare
    assert up.said.count("Leadkeeper is running") == 1
    assert up.end() == 0
    assert (tmp_path / "data" / "leadkeeper.log").read_text()
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o077 == 0


def test_ctrl_c_on_a_terminal_says_that_it_stops_and_that_it_has_stopped(tmp_path: Path, port: str) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [sys.executable, "-m", "leadkeeper", "up", "--quiet"], environment({"PORT": port}))
    said = read_until(terminal, "Ctrl+C")

    os.write(terminal, b"\x03")
    said += read_until(terminal, "has stopped.")

    assert said.index("Leadkeeper is running") < said.index("Stopping: what runs is finished first")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def read_until(terminal: int, text: str) -> str:
    """What is written to a terminal, once it holds `text`."""
    said = ""
    until(lambda: bool(select.select([terminal], [], [], 0)[0]))
    while text not in said:
        said += os.read(terminal, 65536).decode()
    return said


def test_a_misspelt_setting_ends_the_start_with_one_sentence(start: Start) -> None:
    up = start("up", "--quiet", PROT="1")

    assert up.process.wait(PATIENCE) == 78
    assert up.said.strip() == "✗ LEADKEEPER_PROT is not a setting; did you mean LEADKEEPER_PORT?"


def test_a_database_that_does_not_answer_is_waited_for_and_the_door_says_come_again(start: Start, port: str) -> None:
    up = start("up", "--quiet", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    until(lambda: up.said.count("Trying again until it answers") >= 2)

    answer = httpx2.get(f"http://127.0.0.1:{port}/login", timeout=PATIENCE)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert up.end() == 0


def test_a_port_that_is_taken_ends_the_start_with_what_to_do(start: Start, port: str) -> None:
    with socket.create_server(("127.0.0.1", int(port))):
        up = start("up")

        assert up.process.wait(PATIENCE) == 1
    assert f"LEADKEEPER_PORT={int(port) + 1}" in up.said
    assert "Traceback" not in up.said


def test_a_damaged_database_ends_the_start_with_what_to_do(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "leadkeeper.db").write_text("this is no database")

    up = start("up", "--quiet")

    assert up.process.wait(PATIENCE) == 78
    assert up.said.startswith("✗ the database file is damaged: file is not a database.")
    assert up.said.strip().endswith("restore your backup")


def test_a_fault_at_the_first_start_ends_it_and_shows_the_log(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "workers").write_text("a file where a folder has to be")

    up = start("up", "--quiet")

    assert up.process.wait(PATIENCE) == 78
    assert "FileExistsError" in up.said
    assert "The log," in up.said
    assert "Traceback" not in up.said


@pytest.mark.parametrize("command", ["web", "worker"])
def test_apart_they_refuse_a_database_that_is_not_migrated(start: Start, command: str) -> None:
    one = start(command)

    assert one.process.wait(PATIENCE) == 1
    assert "run `leadkeeper up` or `leadkeeper migrate`" in one.said


def test_apart_they_serve_one_database(start: Start, db: Database, database_url: str) -> None:
    web = start("web", DATABASE_URL=database_url)
    web.wait_for("/setup?token=")
    until(lambda: web.get("/readyz").json()["failing"] == ["worker"])

    worker = start("worker", DATABASE_URL=database_url)

    worker.wait_for("working")
    until(lambda: web.get("/readyz").json()["failing"] == [])
    assert (worker.end(), web.end()) == (0, 0)


def test_no_demo_where_real_customers_would_be_answered_from_invented_documents(start: Start) -> None:
    number = {
        "WHATSAPP_PHONE_NUMBER_ID": "100200",
        "WHATSAPP_TOKEN": "t",
        "WHATSAPP_APP_SECRET": "s",
        "WHATSAPP_VERIFY_TOKEN": "v",
    }

    up = start("up", "--quiet", "--demo", **number)

    assert up.process.wait(PATIENCE) == 78
    assert "no demo here:" in up.said
    assert "LEADKEEPER_DATA_DIR=demo make demo" in up.said
