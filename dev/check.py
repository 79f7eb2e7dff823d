"""`make check`: everything that can be known without running the product, at most 60 s.

The checks run side by side; each prints one line with its time, and what it found when it failed.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Check:
    """One tool and how it is called."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How a check ended, and after how many seconds."""

    check: Check
    passed: bool
    output: str
    seconds: float


CHECKS = (
    Check("types (mypy, strict)", (str(BIN / "mypy"), "--no-error-summary", "-p", "leadkeeper", "-p", "dev")),
    Check("house rules", (sys.executable, "-m", "dev.house")),
    Check("floors (import-linter)", (str(BIN / "lint-imports"), "--no-cache", "--no-logo")),
    Check("format (ruff)", (str(BIN / "ruff"), "format", "--check", ".")),
    Check("lint (ruff)", (str(BIN / "ruff"), "check", ".")),
)


def run(check: Check) -> Result:
    """Run one check in the project's folder."""
    began = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    return Result(check, done.returncode == 0, done.stdout, time.monotonic() - began)


def main() -> int:
    """Run every check; returns how many failed."""
    with ThreadPoolExecutor(2) as pool:
        results = []
        for result in pool.map(run, CHECKS):
            print(f"  {'✓' if result.passed else '✗'} {result.check.name:<44} {result.seconds:6.1f} s", flush=True)
            if not result.passed:
                print("\n".join("    " + line for line in result.output.strip().splitlines()), flush=True)
            results.append(result)
    return sum(not result.passed for result in results)


if __name__ == "__main__":
    sys.exit(main())
