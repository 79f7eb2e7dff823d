"""The report as Markdown for people and JSON for machines."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from leadkeeper.cli.config import masked
from leadkeeper.cli.proof.claim import Claim
from leadkeeper.cli.proof.run import Proof

SECRET = ("TOKEN", "SECRET", "PASSWORD", "KEY")
ROWS = "last.db"
"""The scratch database of the last report, beside it."""


def shown(settings: Mapping[str, str]) -> dict[str, str]:
    """Changed settings as they may be printed."""
    return {
        name: "(generated)" if any(word in name for word in SECRET) else str(masked(value)) for name, value in settings.items()
    }


def as_json(found: Proof, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, with each check's expectation and finding."""
    return {
        "ok": found.holds,
        "conditions": dict(conditions),
        "settings": shown(found.changed),
        "claims": [_claim(claim) for claim in found.claims],
        "figures": dict(found.figures),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    checks = [
        {
            "text": check.text,
            "expected": check.wanted,
            "found": str(check.found),
            "holds": check.holds,
            "evidence": check.evidence,
        }
        for check in claim.checks
    ]
    return {
        "number": claim.number,
        "title": claim.title,
        "holds": claim.holds,
        "seconds": round(claim.seconds, 1),
        "checks": checks,
    }


def as_markdown(told: Mapping[str, Any]) -> str:
    """The same for people."""
    lines = ["# What Leadkeeper promises, and the rows that prove it", ""]
    lines += [f"- {name}: {value}" for name, value in told["conditions"].items()]
    for claim in told["claims"]:
        mark = "holds" if claim["holds"] else "**DOES NOT HOLD**"
        lines += ["", f"## {claim['number']}. {claim['title']}: {mark} ({claim['seconds']} s)", ""]
        lines += ["| | checked | expected | found | where to look |", "|---|---|---|---|---|"]
        for check in claim["checks"]:
            mark = "✓" if check["holds"] else "✗"
            cells = (check["text"], check["expected"], check["found"], check["evidence"])
            lines.append(f"| {mark} | " + " | ".join(_cell(cell) for cell in cells) + " |")
    lines += ["", "## Measured", "", "| figure | value |", "|---|---|"]
    lines += [f"| {name} | {value:g} |" for name, value in told["figures"].items()]
    lines += ["", "## Changed for this run", ""]
    lines += [f"- `{name}`: `{value}`" for name, value in told["settings"].items()]
    return "\n".join(lines) + "\n"


def write(folder: Path, told: Mapping[str, Any], at: datetime) -> Path:
    """Write both files; returns the Markdown's path."""
    folder.mkdir(parents=True, exist_ok=True)
    name = at.strftime("%Y-%m-%d-%H%M%S")
    (folder / f"{name}.json").write_text(json.dumps(told, indent=2, ensure_ascii=False), encoding="utf-8")
    path = folder / f"{name}.md"
    path.write_text(as_markdown(told), encoding="utf-8")
    return path


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:300]
