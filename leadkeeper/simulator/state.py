"""Everything the simulated provider knows: one object, one event loop."""

import secrets
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from leadkeeper import clock
from leadkeeper.simulator.behaviour import Behaviour, Step
from leadkeeper.simulator.deliver import Deliverer
from leadkeeper.simulator.log import Log
from leadkeeper.simulator.media import SimMedia
from leadkeeper.simulator.posting import Post

EVERYBODY = "*"
_CHATS_KEPT = 2_000
_BUBBLES_KEPT = 200


@dataclass(frozen=True, slots=True)
class SimAccount:
    """A connected number. `target` is where its webhooks go; empty: nowhere."""

    phone_number_id: str
    token: str = field(repr=False)
    app_secret: str = field(repr=False)
    target: str = ""
    display_number: str = "15550100000"
    name: str = "Simulated business"
    business_account: str = "900000000000001"


@dataclass(slots=True)
class Bubble:
    """One message of a chat, as the customer's phone shows it."""

    ours: bool
    kind: str
    text: str
    at: float
    wamid: str


class Simulator:
    """The provider's memory and its clockwork. `post` delivers webhooks; tests pass one of an ASGI app."""

    def __init__(self, post: Post | None = None, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self.accounts: dict[str, SimAccount] = {}
        self.log = Log()
        self.scripts: dict[str, deque[Step]] = {}
        self.media: dict[str, SimMedia] = {}
        self.last_inbound: dict[tuple[str, str], float] = {}
        self.chats: OrderedDict[tuple[str, str], deque[Bubble]] = OrderedDict()
        self.deliverer = Deliverer(self, post)
        self._run = secrets.token_hex(4)
        self._numbers = count(1)

    def connect(self, account: SimAccount) -> None:
        """Add or replace a connected number."""
        self.accounts[account.phone_number_id] = account

    def new_id(self, prefix: str = "wamid.SIM") -> str:
        """An id nobody had before, also not in an earlier run."""
        return f"{prefix}{self._run}{next(self._numbers):08X}"

    def script(self, recipient: str, steps: list[Step]) -> None:
        """Put steps at the end of what waits for `recipient` (`*`: everybody without steps of their own)."""
        self.scripts.setdefault(recipient, deque()).extend(steps)

    def next_step(self, recipient: str) -> Step:
        """The step this call meets; one used up is taken away."""
        for key in (recipient, EVERYBODY):
            waiting = self.scripts.get(key)
            if not waiting:
                continue
            step = waiting[0]
            if step.times is not None:
                left = step.times - 1
                if left > 0:
                    waiting[0] = _with_times(step, left)
                else:
                    waiting.popleft()
            return step
        return _ORDINARY

    def heard(self, account: str, customer: str) -> None:
        """A customer wrote just now: the window is open."""
        self.last_inbound[account, customer] = clock.now().timestamp()

    def bubble(self, account: str, customer: str, bubble: Bubble) -> None:
        """Show a message in a chat; the chats longest silent are forgotten first."""
        key = account, customer
        chat = self.chats.setdefault(key, deque(maxlen=_BUBBLES_KEPT))
        chat.append(bubble)
        self.chats.move_to_end(key)
        while len(self.chats) > _CHATS_KEPT:
            self.chats.popitem(last=False)

    def reset(self) -> None:
        """Forget scripts, log, chats and behaviour; accounts stay connected."""
        self.behaviour = Behaviour()
        self.log = Log()
        for memory in (self.scripts, self.media, self.last_inbound, self.chats):
            memory.clear()


_ORDINARY = Step()


def _with_times(step: Step, times: int) -> Step:
    values: Mapping[str, object] = {name: getattr(step, name) for name in Step.__slots__}
    return Step(**{**values, "times": times})  # type: ignore[arg-type]
