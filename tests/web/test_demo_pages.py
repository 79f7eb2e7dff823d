"""What a stranger sees first: every page over the example business with its two weeks of history."""

import re
from pathlib import Path

from leadkeeper.access.roles import Role
from leadkeeper.example import history
from leadkeeper.example.load import load
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.store.database import Database
from leadkeeper.web.routes import PAGES
from tests.flows.town import town
from tests.web.conftest import Desk

LOOKED_AT = ("/inbox/", "/admin/automation/jobs/", "/admin/automation/runs/", "/rules/", "/knowledge/", "/channels/")
EACH = 40
"""Pages looked at below each of these."""


async def test_every_page_of_the_demo_can_be_looked_at(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.db.write(load, place.box)
        await place.idle()
        index = SearchIndex()
        await place.db.read(index.refresh)
        await place.db.write(history.write, index, place.settings)
        desk = Desk(db, tmp_path)
        owner = desk.caller(Role.OWNER)

        pages = [entry.path for entry in PAGES.all().values() if entry.method == "GET" and "{" not in entry.path]
        wrong, linked = [], set()
        for path in pages:
            answer = await owner.get(path)
            linked |= set(re.findall(r'href="(/[^"#]+)"', answer.text))
            if answer.status_code not in (200, 303):
                wrong.append((path, answer.status_code))
        for start in LOOKED_AT:
            for path in sorted(path for path in linked if path.startswith(start))[:EACH]:
                answer = await owner.get(path.replace("&amp;", "&"))
                if answer.status_code != 200:
                    wrong.append((path, answer.status_code))

        await desk.close()
        assert wrong == []
        assert len(linked) > 50
