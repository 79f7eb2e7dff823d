"""The closing line of CI: `N passed, N failed`, from the tests' report and the other steps' results.

    count.py REPORT.xml FAILED_STEPS TESTS_EXIT_CODE

A test run that ended badly without one failed test (too little coverage, a crash) counts as one failure.
Skipped tests count as failures: CI runs with nothing skipped. Exits non-zero on any failure.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count(report: Path, failed_steps: int, exit_code: int) -> tuple[int, int]:
    """(passed, failed) of the run."""
    passed = failed = 0
    if report.exists():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            not_passed = sum(int(suite.get(kind, "0")) for kind in ("failures", "errors", "skipped"))
            passed += int(suite.get("tests", "0")) - not_passed
            failed += not_passed
    if (exit_code or not passed) and not failed:
        failed = 1
    return passed, failed + failed_steps


def main() -> int:
    """Print the line; returns the exit code."""
    passed, failed = count(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
