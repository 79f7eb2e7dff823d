"""The report from beginning to end: the stage, the eight claims in their order, the measured figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from leadkeeper import clock
from leadkeeper.cli.proof import claims_control, claims_faults, claims_numbers, claims_work, figures
from leadkeeper.cli.proof.claim import Claim
from leadkeeper.cli.proof.stage import Stage
from leadkeeper.errors import LeadkeeperError
from leadkeeper.store import settings_rows

FAQ = """question,answer
What are your opening hours?,We are open Monday to Friday from 9:00 to 20:00.
Where is your office?,Our office is on Palm Street 12.
"""
SENDERS, BURST, LOAD = 200, 150, 60

Act = Callable[[Stage, Claim], object]
Told = Callable[[Claim], None]


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it. `changed`: everything that was not as in an ordinary start."""

    claims: Sequence[Claim]
    figures: Mapping[str, float]
    changed: Mapping[str, str]

    @property
    def holds(self) -> bool:
        """True when every claim holds."""
        return all(claim.holds for claim in self.claims)


def run(stage: Stage, scale: float, told: Told) -> Proof:
    """Try every claim, also after one that failed; `told` hears of each as it ends. Raises when nothing starts at all."""
    measured: dict[str, float] = {"start_seconds": round(stage.start(), 2)}
    stage.write(lambda conn: settings_rows.save(conn, "quiet_hours", None))
    stage.noted["quiet hours (/settings)"] = "none"
    _teach(stage)
    claims = []
    for number, (title, act) in enumerate(_acts(scale, measured), 1):
        claims.append(_tried(stage, Claim(number, title), act))
        told(claims[-1])
    measured |= figures.measure(stage, scale)
    return Proof(claims, measured, {**stage.settings, **stage.noted})


def keep_rows(stage: Stage, path: Path) -> None:
    """Copy the scratch database, so that the ids of the report can be looked at; SQLite only."""
    import sqlite3

    path.unlink(missing_ok=True)
    source, copy = sqlite3.connect(stage.rows(lambda conn: str(conn.engine.url.database))), sqlite3.connect(path)
    with copy:
        source.backup(copy)
    source.close()
    copy.close()


def _acts(scale: float, measured: dict[str, float]) -> Sequence[tuple[str, Act]]:
    def background(stage: Stage, claim: Claim) -> None:
        measured["answers_per_second"] = round(claims_work.background(stage, claim, max(20, int(SENDERS * scale))), 1)

    def killed(stage: Stage, claim: Claim) -> None:
        first = claims_work.killed_in_the_middle(stage, claim, max(30, int(BURST * scale)))
        measured["first_webhook_after_kill_seconds"] = round(first, 2)

    return [
        ("Nobody comes in without a login", claims_control.authentication),
        ("The worker starts, stops and says what is true", claims_control.worker_switch),
        ("Run Now executes the active rules and creates jobs", claims_control.run_now),
        ("Jobs are stored, survive a restart and run by priority", claims_control.stored_in_order),
        ("The work goes on with nobody connected", background),
        ("kill -9 in the middle: nothing lost, nothing sent twice", killed),
        ("Errors end as they should, the worker lives", claims_faults.errors),
        ("Every statistic equals the rows", partial(claims_numbers.statistics, load=max(12, int(LOAD * scale)))),
    ]


def _tried(stage: Stage, claim: Claim, act: Act) -> Claim:
    """The claim with its checks; what keeps it from being tried to its end is a check that does not hold."""
    began = clock.monotonic()
    try:
        act(stage, claim)
    except Exception as error:
        reason = error.message if isinstance(error, LeadkeeperError) else f"{type(error).__name__}: {error}"
        claim.check("the claim could be tried to its end", "yes", reason)
    claim.seconds = clock.monotonic() - began
    return claim


def _teach(stage: Stage) -> None:
    """The documents the answers come from, by the API."""
    stage.log_in()
    form = {"title": "Questions and answers", "type": "faq"}
    stage.api("POST", "/api/admin/ai-training/upload", data=form, files={"file": ("faq.csv", FAQ.encode(), "text/csv")})
    listed = "/api/admin/ai-training/documents"
    stage.wait(
        lambda: all(each["state"] == "indexed" for each in stage.api("GET", listed)["documents"]), 30, "the documents to be read"
    )
    stage.leave()
