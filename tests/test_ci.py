"""The closing line of CI counts what really happened."""

import subprocess
import sys
from pathlib import Path

import pytest

from dev.count import count

ROOT = Path(__file__).resolve().parent.parent
REPORT = '<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'


def report(folder: Path, tests: int, failures: int = 0, errors: int = 0, skipped: int = 0) -> Path:
    file = folder / "tests.xml"
    file.write_text(REPORT.format(tests, failures, errors, skipped))
    return file


def test_a_green_run_counts_its_tests(tmp_path: Path) -> None:
    assert count(report(tmp_path, 12), failed_steps=0, exit_code=0) == (12, 0)


def test_failures_errors_and_skips_count_as_failed(tmp_path: Path) -> None:
    assert count(report(tmp_path, 12, failures=1, errors=2, skipped=3), failed_steps=0, exit_code=1) == (6, 6)


def test_a_red_check_is_one_failure_more(tmp_path: Path) -> None:
    assert count(report(tmp_path, 12), failed_steps=1, exit_code=0) == (12, 1)


def test_too_little_coverage_is_a_failure(tmp_path: Path) -> None:
    assert count(report(tmp_path, 12), failed_steps=0, exit_code=1) == (12, 1)


def test_a_run_without_a_report_or_a_test_is_a_failure(tmp_path: Path) -> None:
    assert count(tmp_path / "none.xml", failed_steps=0, exit_code=0) == (0, 1)
    assert count(report(tmp_path, 0), failed_steps=0, exit_code=0) == (0, 1)


@pytest.mark.parametrize(("failures", "line", "code"), [(0, "3 passed, 0 failed\n", 0), (1, "2 passed, 1 failed\n", 1)])
def test_the_line_and_the_exit_code_say_the_same(tmp_path: Path, failures: int, line: str, code: int) -> None:
    file = report(tmp_path, 3, failures=failures)

    done = subprocess.run(
        [sys.executable, str(ROOT / "dev" / "count.py"), str(file), "0", str(failures)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == (line, code)
