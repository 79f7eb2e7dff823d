"""Words that stand in tables rather than in templates exist in Arabic too."""

import re
from pathlib import Path

import pytest

from leadkeeper.queue.jobs import Lane
from leadkeeper.rules import actions, book
from leadkeeper.rules.actions.base import actions as registered
from leadkeeper.rules.model import Limits
from leadkeeper.rules.plain_words import EFFECTS
from leadkeeper.rules.triggers import TRIGGERS
from leadkeeper.rules.words import LISTS
from leadkeeper.web import cron_words, refused, rule_form
from leadkeeper.web.pages import audit, automation_run, in_doubt, job, rule_log, word_lists
from leadkeeper.web.words import catalogue

TABLES = {
    "schedules": cron_words.PURPOSES.values(),
    "weekdays": cron_words.WEEKDAYS,
    "fields of rules": [*rule_form.LABELS.values(), *rule_form.CHOICES.values()],
    "lanes": job.LANES.values(),
    "word lists": [*word_lists.NAMES.values(), *(words for kind in word_lists.KINDS for words in (kind[0], kind[2]))],
    "run log": rule_log.VERDICTS.values(),
    "dry run": automation_run.VERDICTS.values(),
    "first rules": [each["name"] for each in book.first_set()],
    "audit": [*audit.FINDINGS.values(), *audit.OF.values()],
    "sends in doubt": in_doubt.VIEWS.values(),
    "refusals": [refused.CHANGED],
}


@pytest.mark.parametrize("name", TABLES)
def test_every_text_of_a_table_is_there_in_arabic(name: str) -> None:
    assert sorted(text for text in TABLES[name] if text not in catalogue("ar")) == []


def test_every_lane_and_every_word_list_has_a_name() -> None:
    assert set(job.LANES) == set(Lane)
    assert set(word_lists.NAMES) == set(LISTS) == {name for kind in word_lists.KINDS for name in kind[1]}


def test_every_parameter_of_a_rule_has_a_label() -> None:
    registered.load()
    models = [Limits, *(kind.params for kind in TRIGGERS.values()), *(each.params for each in registered.all().values())]
    names = {spec.alias or name for model in models for name, spec in model.model_fields.items()}

    assert names - {"text"} <= set(rule_form.LABELS)


def test_what_actions_say_of_themselves_is_there_in_arabic() -> None:
    sources = [path.read_text() for path in Path(actions.__path__[0]).glob("*.py")]
    told = [text for source in sources for text in re.findall(r'Effect\.(?:done|skipped)\(f?"([^"]+)"', source)]

    assert told
    assert [text for text in told if re.sub(r"{[^}]*}", "{}", text) not in EFFECTS] == []
