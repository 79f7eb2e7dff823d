"""What is connected: a card each with its state, its address, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.roles import Role
from leadkeeper.channels.base import channels as channel_book
from leadkeeper.crm import account_cards, accounts, unrouted
from leadkeeper.crm.account_cards import Card
from leadkeeper.crm.buckets import Rate
from leadkeeper.crm.unrouted import Stranger
from leadkeeper.web.access import Access
from leadkeeper.web.render import render
from leadkeeper.web.routes import page


@dataclass(frozen=True, slots=True)
class ChannelsView:
    """The accounts by channel, and what came for nobody. `graph_url`: where real accounts are reached."""

    whatsapp: Sequence[Card]
    webchat: Card | None
    others: Sequence[Card]
    strangers: Sequence[Stranger]
    known: frozenset[str]
    origin: str
    reachable: bool
    graph_url: str
    may: bool

    @property
    def webhook(self) -> str:
        """The address to enter at the provider."""
        return f"{self.origin}/api/webhooks/whatsapp"

    def a_second(self, card: Card) -> int | None:
        """Messages a second its provider takes from an account."""
        return a_second(card)

    def pair(self, card: Card) -> Rate | None:
        """How fast one recipient may be written to."""
        return pair(card)

    @property
    def embed(self) -> str:
        """The line for a website."""
        return f'<script src="{self.origin}/chat.js" async></script>'


@page("/channels", title="Channels", access=Access.VIEWER, menu=60, icon="channels")
async def channels(request: Request) -> Response:
    """Every account, and deliveries of numbers nobody has connected."""
    return render(request, "pages/channels.html", await view_of(request))


async def view_of(request: Request) -> ChannelsView:
    """What the page shows, for this reader."""
    cards, strangers = await request.state.db.read(_read)
    settings = request.state.settings
    return ChannelsView(
        [card for card in cards if card.channel == "whatsapp"],
        next((card for card in cards if card.channel == "webchat"), None),
        [card for card in cards if card.channel not in ("whatsapp", "webchat")],
        strangers,
        frozenset(card.external_id for card in cards if card.state != "off"),
        address(request),
        settings.secure,
        settings.graph_url,
        request.state.user.role.may(Role.ADMIN),
    )


def a_second(card: Card) -> int | None:
    """Messages a second its provider takes from this account; None: no limit."""
    usual = channel_book.get(card.channel).capabilities.a_second
    return accounts.Account(card.id, card.channel, card.external_id, card.name, card.base_url, card.config).throughput(usual)


def pair(card: Card) -> Rate | None:
    """How fast one recipient may be written to."""
    return channel_book.get(card.channel).capabilities.pair


def address(request: Request) -> str:
    """Where we are reached: the public address, else the one this page was opened at."""
    settings = request.state.settings
    return str(settings.public_url or f"{request.url.scheme}://{request.url.netloc}")


def _read(conn: Connection) -> tuple[Sequence[Card], Sequence[Stranger]]:
    return account_cards.every(conn), unrouted.strangers(conn)
