"""The four roles, each holding what the one before it may do."""

from enum import StrEnum

from leadkeeper.errors import Invalid


class Role(StrEnum):
    """viewer reads; agent works in the inbox; admin runs the machine; owner also manages admins."""

    VIEWER = "viewer"
    AGENT = "agent"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """0 for viewer to 3 for owner."""
        return _ORDER.index(self)

    def may(self, least: "Role") -> bool:
        """True when this role holds what `least` holds."""
        return self.rank >= least.rank


_ORDER = (Role.VIEWER, Role.AGENT, Role.ADMIN, Role.OWNER)

_KNOWN_WORDS = {"manager": Role.ADMIN}
"""Words of earlier systems: MANAGER is our admin; ADMIN, AGENT and VIEWER keep their names."""


def parse(word: str) -> Role:
    """The role of that name, in any case. Raises Invalid naming the known ones."""
    text = word.strip().lower()
    if text in _KNOWN_WORDS:
        return _KNOWN_WORDS[text]
    try:
        return Role(text)
    except ValueError:
        raise Invalid("unknown role", {"role": f"must be one of {', '.join(_ORDER)}"}) from None
