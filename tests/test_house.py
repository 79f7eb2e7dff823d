"""Every house rule finds the violation planted for it, and leaves the right way alone."""

import subprocess
from pathlib import Path

import pytest

from dev.house import files, pages, python
from dev.house.__main__ import RULES
from dev.house.tree import Rule, Tree

ROOT = Path(__file__).resolve().parent.parent
LONG_BODY = "    pass\n" * 40
LONG_METHOD = "class T:\n    async def act(self):\n" + "        pass\n" * 40
CATCHES = "try:\n    x = 1\nexcept {}:\n    x = 2\n"


def planted(root: Path, path: str, text: str) -> Tree:
    """A project that holds one file."""
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return Tree(root)


VIOLATIONS: list[tuple[Rule, str, str]] = [
    (files.files_are_short, "leadkeeper/long.py", "x = 1\n" * 301),
    (files.files_are_short, "leadkeeper/web/static/long.css", "a { color: red }\n" * 301),
    (files.files_are_short, "AGENTS.md", "line\n" * 81),
    (files.files_are_short, "STYLE.md", "line\n" * 201),
    (files.files_are_short, "Makefile", "# line\n" * 61),
    (files.no_drawers, "leadkeeper/utils.py", ""),
    (files.no_drawers, "leadkeeper/core/thing.py", ""),
    (files.no_drawers, "tests/helpers.py", ""),
    (files.locks_hold_no_addresses, "requirements/run.txt", "--index-url https://example.com/simple\n"),
    (files.nothing_of_this_machine, "docs/page.md", "see /ho" + "me/sara/notes\n"),
    (files.nothing_of_this_machine, "leadkeeper/place.py", "PLACE = '/ro" + "ot/.cache'\n"),
    (files.nothing_of_this_machine, "README.md", "from py" + "pi.org\n"),
    (python.functions_are_short, "leadkeeper/long.py", "def act():\n" + LONG_BODY),
    (python.functions_are_short, "tests/test_long.py", LONG_METHOD),
    (python.time_comes_from_the_clock, "leadkeeper/late.py", "import time\n"),
    (python.time_comes_from_the_clock, "leadkeeper/late.py", "from time import monotonic\n"),
    (python.time_comes_from_the_clock, "leadkeeper/late.py", "from datetime import datetime\nx = datetime.now()\n"),
    (python.time_comes_from_the_clock, "leadkeeper/late.py", "import datetime\nx = datetime.date.today()\n"),
    (python.only_the_database_commits, "leadkeeper/crm/leads.py", "def act(conn):\n    conn.commit()\n"),
    (python.only_the_database_commits, "leadkeeper/store/upsert.py", "def act(conn):\n    conn.commit()\n"),
    (python.nothing_is_caught_blindly, "leadkeeper/crm/leads.py", CATCHES.format("Exception")),
    (python.nothing_is_caught_blindly, "leadkeeper/jobs/send.py", "try:\n    x = 1\nexcept:\n    x = 2\n"),
    (python.nothing_is_caught_blindly, "leadkeeper/web/page.py", CATCHES.format("(ValueError, BaseException)")),
    (python.nothing_is_caught_blindly, "leadkeeper/store/engine.py", CATCHES.format("Exception")),
    (python.only_the_send_job_sends, "leadkeeper/jobs/reply.py", "async def act(channel):\n    await channel.send(1)\n"),
    (python.only_the_send_job_sends, "leadkeeper/web/pages/inbox.py", "async def act():\n    await channels.get('x').send(1)\n"),
    (python.enqueue_takes_a_connection, "leadkeeper/queue/enqueue.py", "def enqueue(job):\n    return job\n"),
    (python.enqueue_takes_a_connection, "leadkeeper/queue/enqueue.py", "async def enqueue_all(conn, jobs):\n    return jobs\n"),
    (python.logs_say_ids_not_texts, "leadkeeper/jobs/send.py", "log.info(f'sent {text}')\n"),
    (python.logs_say_ids_not_texts, "leadkeeper/jobs/send.py", "self.log.warning('sent %s', text)\n"),
    (python.nothing_is_printed, "leadkeeper/crm/leads.py", "print('here')\n"),
    (python.nothing_is_printed, "leadkeeper/cli/up.py", "breakpoint()\n"),
    (pages.templates_hold_no_code, "leadkeeper/web/templates/a.html", "<p>x</p>\n<script>alert(1)</script>\n"),
    (pages.templates_hold_no_code, "leadkeeper/web/templates/a.html", "<style>a{}</style>\n"),
    (pages.templates_hold_no_code, "leadkeeper/web/templates/a.html", '<p style="color:red">x</p>\n'),
    (pages.templates_hold_no_code, "leadkeeper/web/templates/a.html", '<button onclick="go()">x</button>\n'),
    (pages.templates_hold_no_code, "leadkeeper/web/templates/a.html", '<a href="java' + 'script:go()">x</a>\n'),
    (pages.styles_mirror, "leadkeeper/web/static/a.css", "a { margin-left: 1px }\n"),
    (pages.styles_mirror, "leadkeeper/web/static/a.css", "a { right: 0 }\n"),
    (pages.styles_mirror, "leadkeeper/web/static/a.css", "a { text-align: left }\n"),
    (pages.little_script, "leadkeeper/web/static/a.js", "x();\n" * 801),
    (pages.little_script, "leadkeeper/web/static/a.js", "console.log(1);\n"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "path", "text"), VIOLATIONS, ids=[f"{rule.__name__}-{n}" for n, (rule, _, _) in enumerate(VIOLATIONS)]
)
def test_a_planted_violation_is_found_at_its_file(tmp_path: Path, rule: Rule, path: str, text: str) -> None:
    tree = planted(tmp_path, path, text)

    found = list(rule(tree))

    assert found
    assert all(each.place.startswith((path, "leadkeeper/**")) for each in found)


ALLOWED: list[tuple[Rule, str, str]] = [
    (python.time_comes_from_the_clock, "leadkeeper/clock.py", "import time\n"),
    (python.only_the_database_commits, "leadkeeper/store/database.py", "def act(conn):\n    conn.commit()\n"),
    (
        python.only_the_database_commits,
        "leadkeeper/store/batches.py",
        "def act(conn):\n    savepoint = Savepoint(conn)\n    savepoint.keep()\n",
    ),
    (python.nothing_is_caught_blindly, "leadkeeper/worker/run.py", CATCHES.format("Exception")),
    (
        python.nothing_is_caught_blindly,
        "leadkeeper/crm/leads.py",
        "try:\n    x = 1\nexcept BaseException:\n    x = 2\n    raise\n",
    ),
    (python.nothing_is_caught_blindly, "leadkeeper/crm/leads.py", CATCHES.format("ValueError")),
    (
        python.nothing_is_caught_blindly,
        "leadkeeper/crm/leads.py",
        "try:\n    x = 1\nexcept Exception as e:\n    raise KeyError from e\n",
    ),
    (python.only_the_send_job_sends, "leadkeeper/jobs/send.py", "async def act(channel):\n    await channel.send(1)\n"),
    (python.only_the_send_job_sends, "leadkeeper/web/door.py", "async def act(send):\n    await send(1)\n"),
    (python.enqueue_takes_a_connection, "leadkeeper/queue/enqueue.py", "def enqueue(conn, job):\n    return job\n"),
    (python.logs_say_ids_not_texts, "leadkeeper/jobs/send.py", "log.info('sent', extra={'message_id': 1})\n"),
    (python.nothing_is_printed, "leadkeeper/cli/up.py", "print('Leadkeeper runs')\n"),
    (
        pages.templates_hold_no_code,
        "leadkeeper/web/templates/a.html",
        '{# style="x" #}<script type="module" src="/a.js"></script>\n',
    ),
    (pages.styles_mirror, "leadkeeper/web/static/a.css", "/* left: 0 */ a { inset-inline-start: 0; text-align: start }\n"),
    (files.nothing_of_this_machine, "README.md", "open /admin/automation/worker, see docs/work/plan\n"),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"), ALLOWED, ids=[f"{rule.__name__}-{n}" for n, (rule, _, _) in enumerate(ALLOWED)]
)
def test_the_right_way_is_left_alone(tmp_path: Path, rule: Rule, path: str, text: str) -> None:
    tree = planted(tmp_path, path, text)

    assert list(rule(tree)) == []


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for rule, _, _ in VIOLATIONS} == set(RULES)


def test_the_runtime_lock_is_part_of_the_development_lock() -> None:
    run, dev = (_pins(ROOT / "requirements" / f"{name}.txt") for name in ("run", "dev"))

    assert run <= dev


def test_every_pin_of_every_lock_has_its_hashes() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        entries = lock.read_text().replace("\\\n", " ").splitlines()
        assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def _pins(lock: Path) -> set[str]:
    return {line.split()[0] for line in lock.read_text().splitlines() if "==" in line}
