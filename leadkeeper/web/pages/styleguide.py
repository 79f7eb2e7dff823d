"""Every part pages are made of, in one place, with invented content: to look at while building, and for the browser tests."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper import clock
from leadkeeper.web.access import Access
from leadkeeper.web.forms import Form
from leadkeeper.web.render import render
from leadkeeper.web.routes import page

STATES = (
    "pending", "processing", "completed", "failed", "cancelled", "draft", "ready", "sending", "accepted", "sent",
    "delivered", "read", "unknown", "needs_human", "answered", "handed_over", "silent", "running", "stopped", "halted",
)  # fmt: skip


@page("/styleguide", title="Parts", access=Access.VIEWER)
async def styleguide(request: Request) -> Response:
    """The page."""
    now = clock.now()
    minutes = [(f"{14 + at // 60}:{at % 60:02}", 40 + (at * 37) % 29 + at // 2, (at * 7) % 11 // 9) for at in range(60)]
    form = Form({"name": "Sara"}, errors={"when": "Enter a number."})
    jobs = [
        (4821 - at, "inbound_message", ("Sara Ncube", "فاطمة الزهراء")[at % 2], STATES[at], now - timedelta(seconds=4**at))
        for at in range(6)
    ]
    view = {"states": STATES, "minutes": minutes, "form": form, "jobs": jobs, "soon": now + timedelta(minutes=12)}
    return render(request, "pages/styleguide.html", view)
