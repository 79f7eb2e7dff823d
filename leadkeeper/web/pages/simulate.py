"""A phone on the screen: invented customers write through the simulated provider to the real pipeline."""

from functools import partial

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.config import Settings
from leadkeeper.crm import conversations
from leadkeeper.rules import business as rules_business
from leadkeeper.web import forms, phone_view, simulated
from leadkeeper.web.access import Access
from leadkeeper.web.reasons import because
from leadkeeper.web.render import redirect, render, wants_part
from leadkeeper.web.routes import page

LONGEST = 1000


@page("/simulate", title="Simulate", access=Access.ADMIN, menu=80, icon="phone")
async def simulate(request: Request) -> Response:
    """The phone, and beside it what happened; without a name in the address, somebody's whom the AI answers."""
    account = await simulated.of(request).account()
    if account is not None and "as" not in request.query_params and not wants_part(request):
        person = await request.state.db.read(phone_view.whom, account.id, request.state.lang)
        if person != phone_view.people()[0]:
            return redirect(request, f"/simulate?as={person.wa_id}")
    return await _show(request, forms.Form())


@page.post("/simulate/say", title="Simulate", access=Access.ADMIN)
async def say(request: Request) -> Response:
    """The chosen customer writes; the simulated number is connected by the first message."""
    form = await forms.read(request)
    text = form.text("text", longest=LONGEST, missing="Write something first.")
    person = next((one for one in phone_view.people() if one.wa_id == form.values.get("as")), phone_view.people()[0])
    if form.errors:
        return await _show(request, form, status=400)
    mounted = simulated.of(request)
    await mounted.open(simulated.reached_at(request.scope, request.state.settings.port))
    await mounted.say(person.wa_id, person.name, text)
    return redirect(request, f"/simulate?as={person.wa_id}")


@page.post("/simulate/give-back", access=Access.ADMIN)
async def let_ai_answer(request: Request) -> Response:
    """After a hand-over: the AI answers this customer's next message again."""
    form = await forms.read(request)
    account, chosen = await simulated.of(request).account(), form.values.get("as", "")
    if account is not None:
        await request.state.db.write(_give_back, account.id, chosen, request.state.user.id)
    return redirect(request, f"/simulate?as={chosen}")


async def _show(request: Request, form: forms.Form, status: int = 200) -> Response:
    account = await simulated.of(request).account()
    chosen = request.query_params.get("as", "") or form.values.get("as", "")
    view = await request.state.db.read(_read, request.state.settings, account.id if account else None, chosen)
    return render(
        request,
        "pages/simulate.html",
        {"phone": view, "form": form, "because": partial(because, request.state.lang)},
        status=status,
    )


def _read(conn: Connection, settings: Settings, account_id: int | None, chosen: str) -> phone_view.PhoneView:
    name = rules_business.read(conn, settings).name
    return phone_view.read(conn, account_id, chosen, name)


def _give_back(conn: Connection, account_id: int, wa_id: str, user_id: int) -> None:
    found = phone_view.conversation_of(conn, account_id, wa_id)
    if found is not None:
        conversations.give_back(conn, found, user_id)
