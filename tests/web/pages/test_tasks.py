"""What is to do: tasks are seen, counted in the rail, ticked off and opened again; hand-overs stand in the inbox alone."""

from typing import Any

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.crm import conversations, tasks
from leadkeeper.web.pages.tasks import PER_PAGE
from tests.web.api.conftest import new_thread
from tests.web.conftest import Desk
from tests.web.pages.conftest import said, words

PAGE = "/tasks"


def made(desk: Desk, title: str = "Follow up with Lina about her visa", kind: str = "follow_up", **more: Any) -> int:
    found = desk.db.write_now(lambda conn: tasks.add(conn, kind, title, f"{kind}:{title}", **more))
    assert found is not None
    return found


async def test_a_task_is_ticked_off_and_opened_again(open_desk: Desk) -> None:
    conversation, _ = new_thread(open_desk.db)
    task = made(open_desk, conversation_id=conversation, due_at=clock.now())
    agent = open_desk.caller(Role.AGENT)

    first = words(await agent.get(PAGE))
    told = await said(agent, await agent.post(f"{PAGE}/{task}/done", data={"back": PAGE}))
    done = words(await agent.get(f"{PAGE}?done=1"))

    assert "To do 1" in first
    assert "Follow up with Lina about her visa" in first
    assert f'href="/inbox/{conversation}"' in (await agent.get(f"{PAGE}?done=1")).text
    assert "Nothing is to do" in told
    assert "done by Agent" in done
    await agent.post(f"{PAGE}/{task}/open", data={"back": PAGE})
    assert "Follow up with Lina" in words(await agent.get(PAGE))


async def test_a_hand_over_is_told_of_but_stands_in_the_inbox(open_desk: Desk) -> None:
    conversation, _ = new_thread(open_desk.db)
    open_desk.db.write_now(conversations.needs_human, conversation, "human")

    told = words(await open_desk.caller(Role.VIEWER).get(PAGE))

    assert "1 customer waits for an answer from a person." in told
    assert "Nothing is to do" in told


async def test_an_incoming_message_that_could_not_be_read_is_a_task_of_its_own(open_desk: Desk) -> None:
    made(open_desk, "An incoming message could not be read: no such field", "handover")

    assert "An incoming message could not be read" in words(await open_desk.caller(Role.VIEWER).get(PAGE))


async def test_the_task_stands_beside_its_conversation_too(open_desk: Desk) -> None:
    conversation, _ = new_thread(open_desk.db)
    task = made(open_desk, conversation_id=conversation)
    agent = open_desk.caller(Role.AGENT)

    page = await agent.get(f"/inbox/{conversation}")
    await agent.post(f"{PAGE}/{task}/done", data={"back": f"/inbox/{conversation}"})

    assert "Follow up with Lina about her visa" in words(page)
    assert "Follow up with Lina about her visa" not in words(await agent.get(f"/inbox/{conversation}"))


async def test_pages_follow_each_other_without_gaps(open_desk: Desk) -> None:
    ids = [made(open_desk, f"Task number {number}.") for number in range(PER_PAGE + 3)]
    viewer = open_desk.caller(Role.VIEWER)

    first = (await viewer.get(PAGE)).text
    second = (await viewer.get(f"{PAGE}?from={ids[PER_PAGE - 1]}")).text

    assert f'href="{PAGE}?from={ids[PER_PAGE - 1]}"' in first
    assert [f'id="task-{task}"' in first for task in ids] == [True] * PER_PAGE + [False] * 3
    assert [f'id="task-{task}"' in second for task in ids] == [False] * PER_PAGE + [True] * 3
    assert "<form" not in second.split("<main", 1)[1].split("</main>", 1)[0]


async def test_a_task_that_is_not_there_is_a_404(open_desk: Desk) -> None:
    assert (await open_desk.caller(Role.AGENT).post(f"{PAGE}/987654/done")).status_code == 404
