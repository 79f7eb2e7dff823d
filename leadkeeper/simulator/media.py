"""Media at the provider: an id gives an address that soon expires, the address gives the bytes."""

import hashlib
import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response


@dataclass(slots=True)
class SimMedia:
    """One medium. `dead_urls`: so many addresses given out are expired already; `wrong_hash` lies about the bytes."""

    id: str
    content: bytes
    mime_type: str
    dead_urls: int = 0
    wrong_hash: bool = False
    redirect_to: str = ""
    secret: str = field(default_factory=lambda: secrets.token_hex(8))
    given: int = 0

    @property
    def sha256(self) -> str:
        """What the provider says the hash is, in hex."""
        content = b"something else" if self.wrong_hash else self.content
        return hashlib.sha256(content).hexdigest()


def describe(request: Request, medium: SimMedia) -> JSONResponse:
    """The first step: where the bytes are, for the next minutes."""
    medium.given += 1
    here = str(request.base_url).rstrip("/")  # below a mount, its path too
    url = f"{here}/sim-media/{medium.id}/{medium.secret}/{medium.given}"
    return JSONResponse({
        "messaging_product": "whatsapp",
        "url": url,
        "mime_type": medium.mime_type,
        "sha256": medium.sha256,
        "file_size": len(medium.content),
        "id": medium.id,
    })  # fmt: skip


def download(request: Request, medium: SimMedia | None) -> Response:
    """The second step: the bytes, or what stands in their way."""
    number = int(request.path_params["number"])
    if medium is None or request.path_params["secret"] != medium.secret or number <= medium.dead_urls:
        return Response(status_code=404)
    if medium.redirect_to:
        return RedirectResponse(medium.redirect_to, status_code=302)
    return Response(medium.content, media_type=medium.mime_type)
