"""The simulated provider inside this process: mounted while a simulated account exists, gone with it.

The worker calls it over loopback like any provider; what it delivers goes through our own webhook
door, signed with the account's generated secret. Nothing is faked on the way in between.
"""

from collections.abc import MutableMapping
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from leadkeeper.crm import simulated
from leadkeeper.crm.accounts import Account
from leadkeeper.errors import NotFound
from leadkeeper.simulator import phone
from leadkeeper.simulator.app import build
from leadkeeper.simulator.behaviour import Behaviour
from leadkeeper.simulator.posting import ClientPost
from leadkeeper.simulator.state import SimAccount, Simulator
from leadkeeper.web.access import Access
from leadkeeper.web.routes import hook
from leadkeeper.web.site import Site

MOUNT = "/simulated"
BEHAVIOUR = Behaviour(latency_ms=120, status_delay_ms=500, retries=5)
"""Slow enough to be watched, and it gives up soon when we are stopped."""
_OURSELVES = "http://leadkeeper"


class Simulated:
    """The simulator of one app. Its memory is only the provider's; what was said is in the rows."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._simulator: Simulator | None = None
        self._http: httpx2.AsyncClient | None = None
        self._provider: Starlette | None = None

    @property
    def _site(self) -> Site:
        site: Site = self._app.state.site
        return site

    async def account(self) -> Account | None:
        """The simulated account, when there is one."""
        found = await self._site.doors.of("whatsapp")
        return next((account for account in found if account.simulated), None)

    async def provider(self) -> Starlette | None:
        """The provider's own routes, connected to the account; None while there is no simulated account."""
        account = await self.account()
        if account is None:
            await self.stop()
            return None
        if self._simulator is None or self._provider is None:
            transport = httpx2.ASGITransport(self._app, raise_app_exceptions=False)
            self._http = httpx2.AsyncClient(transport=transport, base_url=_OURSELVES)
            self._simulator = Simulator(ClientPost(self._http), BEHAVIOUR)
            self._provider = build(self._simulator, open_control=False)
        if account.external_id not in self._simulator.accounts:
            self._simulator.accounts.clear()
            self._simulator.connect(_connected(account))
        return self._provider

    async def say(self, wa_id: str, name: str, text: str) -> None:
        """A customer writes on their phone. Raises NotFound while there is no simulated account."""
        account = await self.account()
        if await self.provider() is None or account is None or self._simulator is None:
            raise NotFound("there is no simulated account")
        await phone.say(self._simulator, account.external_id, wa_id, name, text)

    async def open(self, base_url: str) -> int:
        """Make the account when there is none, and say where the worker reaches its provider."""
        site = self._site
        account_id = await site.db.write(simulated.ensure, site.box, base_url)
        site.doors.forget()
        return account_id

    async def stop(self) -> None:
        """Forget the provider; deliveries under way are given up."""
        if self._simulator is not None and self._http is not None:
            await self._simulator.deliverer.stop()
            await self._http.aclose()
        self._simulator = self._provider = self._http = None
        self._site.doors.forget()


def of(request: Request) -> Simulated:
    """The simulator of the app that serves this request."""
    found: Simulated = request.app.state.simulated
    return found


def reached_at(scope: MutableMapping[str, Any], port: int) -> str:
    """Where this process answers, as the worker beside it reaches it: the socket this request came in by."""
    server = scope.get("server") or ("127.0.0.1", port)
    host = server[0] if server[1] else "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{server[1] or port}{MOUNT}"


@hook(MOUNT + "/{path:path}", method="POST", access=Access.WEBHOOK, name="simulated_send")
async def simulated_send(request: Request) -> Response:
    """What the worker sends. The provider checks its bearer token itself."""
    return await _inside(request)


@hook(MOUNT + "/{path:path}", method="GET", access=Access.WEBHOOK, name="simulated_look")
async def simulated_look(request: Request) -> Response:
    """A number or a medium. The provider checks its bearer token itself."""
    return await _inside(request)


async def _inside(request: Request) -> Response:
    provider = await of(request).provider()
    if provider is None:
        raise NotFound("There is nothing at this address.")
    return _Handed(provider, "/" + request.path_params["path"])


class _Handed(Response):
    """The rest of the request is another application's."""

    def __init__(self, app: Starlette, path: str) -> None:
        self._inner, self._path = app, path
        super().__init__()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._inner({**scope, "path": self._path, "raw_path": self._path.encode()}, receive, send)


def _connected(account: Account) -> SimAccount:
    secrets = account.credentials
    return SimAccount(
        phone_number_id=account.external_id,
        token=secrets["token"],
        app_secret=secrets["app_secret"],
        target=f"{_OURSELVES}/api/webhooks/whatsapp",
        display_number=simulated.DISPLAY_NUMBER,
        name=account.name,
    )
