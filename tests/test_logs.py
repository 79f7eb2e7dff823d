"""Logs hold ids, never what somebody wrote."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadkeeper import logs
from leadkeeper.errors import NotFound

SECRET = "my passport number is A1234567"


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    """A log of this process for one test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    file = tmp_path / "logs" / "leadkeeper.log"
    logs.set_up("json", file)
    yield file
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_line_is_one_json_object_with_its_ids(log_file: Path) -> None:
    with logs.bound(job_id=4821):
        logging.getLogger("leadkeeper.jobs.send").info("sent", extra={"message_id": 7, "state": "accepted"})

    (line,) = lines(log_file)
    assert (line["level"], line["logger"], line["event"]) == ("info", "leadkeeper.jobs.send", "sent")
    assert (line["job_id"], line["message_id"], line["state"]) == (4821, 7, "accepted")
    assert str(line["at"]).endswith("Z")


def test_ids_are_bound_only_inside_their_block(log_file: Path) -> None:
    with logs.bound(job_id=1), logs.bound(conversation_id=2):
        logging.getLogger("a").info("inside")
    logging.getLogger("a").info("outside")

    inside, outside = lines(log_file)
    assert (inside["job_id"], inside["conversation_id"]) == (1, 2)
    assert not {"job_id", "conversation_id"} & outside.keys()


def test_a_text_that_is_neither_an_id_nor_a_word_of_ours_does_not_leave(log_file: Path) -> None:
    logging.getLogger("leadkeeper").info("received", extra={"text": SECRET, "body": {"text": SECRET}, "phone": "+971500000000"})

    assert SECRET not in log_file.read_text()
    assert "+97150" not in log_file.read_text()


def test_an_error_is_logged_by_type_and_place_without_its_text(log_file: Path) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("leadkeeper").exception("a job raised")

    (line,) = lines(log_file)
    assert line["error"] == "ValueError"
    assert any("test_logs.py" in frame for frame in line["where"])  # type: ignore[attr-defined]
    assert SECRET not in log_file.read_text()


def test_our_own_errors_are_logged_with_their_code_and_the_systems_with_their_reason(log_file: Path) -> None:
    for error in (NotFound(SECRET), FileNotFoundError(2, "No such file or directory")):
        logging.getLogger("leadkeeper").error("it failed", exc_info=error)

    ours, systems = lines(log_file)
    assert ours["code"] == "not_found"
    assert systems["reason"] == "No such file or directory"
    assert SECRET not in log_file.read_text()


def test_a_librarys_long_event_is_cut_to_its_first_line(log_file: Path) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved\n" + SECRET)

    assert SECRET not in log_file.read_text()


def test_text_lines_hold_the_same_as_json_lines() -> None:
    record = logging.LogRecord("leadkeeper", logging.INFO, __file__, 1, "sent", None, None)
    record.message_id = 7

    assert logs.PlainLines().format(record).endswith("info    leadkeeper: sent message_id=7")


def test_without_a_file_logs_go_to_standard_error(log_file: Path) -> None:
    logs.set_up("text")

    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr


def test_a_log_that_has_grown_too_long_is_put_aside_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_file: Path
) -> None:
    monkeypatch.setattr(logs, "BIGGEST_BYTES", 10)
    old = tmp_path / "old.log"
    old.write_text("x" * 11)

    logs.set_up("json", old)
    logging.getLogger("a").info("fresh")

    assert (tmp_path / "old.log.1").read_text() == "x" * 11
    assert [line["event"] for line in lines(old)] == ["fresh"]
