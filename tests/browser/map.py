"""Which pages the browser walks: those of the rail come by themselves, so a new page is covered when it is added."""

from leadkeeper.web.routes import PAGES, menu

MORE = ("/profile", "/api/docs")
"""Pages behind the log-in that are not in the rail and need no id."""


def rail_pages() -> list[str]:
    """Every page of the rail, and every other GET page whose path needs no id."""
    listed = [entry.path for entry in menu()]
    others = [
        entry.path
        for entry in PAGES.all().values()
        if entry.method == "GET" and entry.title and "{" not in entry.path and entry.access.role is not None
    ]
    return list(dict.fromkeys([*listed, *MORE, *others]))


def open_pages() -> list[str]:
    """Pages anybody may see."""
    return ["/login", "/chat", "/no-such-page"]


def name_of(path: str) -> str:
    """A file name for a path."""
    return path.strip("/").replace("/", "-") or "home"
