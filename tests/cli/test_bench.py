"""Every bench runs, in a tiny size, and prints one figure a line with the conditions it was taken under."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leadkeeper.cli.measure.figure import Figure, merged, percentile
from tests.cli.processes import environment

METRICS = {
    "queue": {"drain", "cpu_per_job", "drain_in_order", "drain_by_two", "two_to_one"},
    "claim": {"of_100", "with_history", "with_timers", "behind_a_busy_key"},
    "pickup": {"p50", "p95", "commit_p50", "told_p50", "after_commit_p50"},
    "ingest": {
        "webhooks", "webhooks_unstored", "stored_share", "http_ack_p50", "http_ack_p99", "http_webhooks", "http_crowded_ack_p99",
    },
    "models": {"calls_at_once", "calls_begun_within", "all_answered_after", "memory_above_idle"},
    "snapshot": {"rate_alone", "rate_beside", "beside_to_alone", "last_to_alone", "held"},
    "soak": {"rate", "rate_ratio", "latency_ratio", "memory_growth", "size_growth"},
    "flow": {
        "conversations", "conversations_with_statuses", "cpu_per_conversation", "webhook_to_call_p50", "webhook_to_call_p95",
        "webhook_to_call_p95_at_half", "webchat_to_answer_p95", "first_answer_after_start", "first_webhook_after_kill",
        "memory_idle", "idle_cpu",
    },
}  # fmt: skip
MAY_BE_NOTHING = ("after_commit_p50", "cpu_per_job", "idle_cpu", "memory_above_idle", "calls_begun_within")
"""In a size as tiny as this."""
FIELDS = {"bench", "db", "metric", "value", "unit", "rounds", "fsyncsPerSecond", "load", "cores", "python", "at"}


def run_bench(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: the benches register a job type and start servers."""
    command = [sys.executable, "-m", "leadkeeper", "bench", *arguments, "--rounds", "1", "--scale", "0.01"]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


@pytest.mark.parametrize("name", METRICS)
def test_a_bench_prints_each_figure_with_its_conditions(name: str, database_url: str, tmp_path: Path) -> None:
    db = "sqlite" if database_url.startswith("sqlite") else "postgres"

    done = run_bench(tmp_path, name, "--db", db, "--json", DATABASE_URL=database_url)

    assert done.returncode == 0, done.stderr
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["metric"] for line in lines} == METRICS[name]
    assert all(set(line) == FIELDS and line["bench"] == name and line["db"] == db for line in lines)
    assert all(line["value"] > 0 for line in lines if line["metric"] not in MAY_BE_NOTHING)


def test_people_get_a_table(tmp_path: Path) -> None:
    done = run_bench(tmp_path, "pickup")

    assert done.returncode == 0, done.stderr
    assert "median" in done.stdout
    assert "after_commit_p50" in done.stdout


def test_the_median_of_the_rounds_counts() -> None:
    rounds = [[Figure("flow", "conversations", "conversations/s", [value])] for value in (10.0, 500.0, 30.0)]

    (figure,) = merged(rounds)

    assert figure.value == 30.0
    assert figure.rounds == [10.0, 500.0, 30.0]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 51), (0.95, 96), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(1, 101)], share) == expected


def test_a_percentile_of_nothing_is_nothing() -> None:
    assert percentile([], 0.99) == 0
