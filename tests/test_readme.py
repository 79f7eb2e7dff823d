"""What the README says is so."""

import re
from pathlib import Path

from dev import settings_table
from leadkeeper.config import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_settings_is_that_of_the_code() -> None:
    assert settings_table.with_table(README) == README


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_make_target_named_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {target for page in ("README.md", "AGENTS.md") for target in re.findall(r"`make ([a-z]+)", (ROOT / page).read_text())}

    assert named <= targets


def test_every_link_to_a_file_leads_to_one() -> None:
    pages = [ROOT / name for name in ("README.md", "AGENTS.md", "STYLE.md", "CHANGELOG.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))]

    assert [link for page, link in links if not (page.parent / link).exists()] == []
