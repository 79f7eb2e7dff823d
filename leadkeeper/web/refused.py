"""What a person is told when an act came too late or may not be: an error's words, in a language they read."""

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.errors import LeadkeeperError
from leadkeeper.web.render import redirect
from leadkeeper.web.words import catalogue

CHANGED = "This cannot be done any more: something has changed in the meantime."


def told(request: Request, target: str, error: LeadkeeperError) -> Response:
    """Back to `target` with the error's own words; where they have no translation, that something has changed."""
    known = request.state.lang == "en" or error.message in catalogue(request.state.lang)
    return redirect(request, target, error.message if known else CHANGED, kind="bad")
