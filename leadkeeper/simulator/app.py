"""The simulated provider as an ASGI application."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from leadkeeper.errors import Invalid, LeadkeeperError
from leadkeeper.simulator import control, graph
from leadkeeper.simulator.state import Simulator

PROVIDER = [
    Route("/v{version}/{object}/messages", graph.send_message, methods=["POST"]),
    Route("/v{version}/{object}", graph.look_up, methods=["GET"]),
    Route("/sim-calls/{object}", graph.calls, methods=["GET"]),
    Route("/sim-media/{object}/{secret}/{number:int}", graph.media_bytes, methods=["GET"]),
]
CONTROL = [
    Route("/sim/accounts", control.accounts, methods=["POST"]),
    Route("/sim/script", control.script, methods=["POST"]),
    Route("/sim/behaviour", control.behaviour, methods=["POST"]),
    Route("/sim/inbound", control.inbound, methods=["POST"]),
    Route("/sim/media", control.media, methods=["POST"]),
    Route("/sim/log", control.log, methods=["GET"]),
    Route("/sim/counts", control.counts, methods=["GET"]),
    Route("/sim/calls", control.calls, methods=["GET"]),
    Route("/sim/reset", control.reset, methods=["POST"]),
]


def build(simulator: Simulator, open_control: bool = True) -> Starlette:
    """The application around one simulator. `open_control=False` leaves /sim out: for a mount others can reach."""
    app = Starlette(routes=PROVIDER + (CONTROL if open_control else []), exception_handlers={LeadkeeperError: _refused})
    app.state.simulator = simulator
    return app


async def _refused(request: Request, problem: Exception) -> Response:
    shape: dict[str, object] = {"ok": False, "error": str(problem)}
    if isinstance(problem, Invalid):
        shape["fields"] = problem.fields
    return JSONResponse(shape, status_code=problem.status if isinstance(problem, LeadkeeperError) else 500)
