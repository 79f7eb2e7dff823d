"""How answers come about: how long to wait for more, how sure to be, and the model that may write them."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.roles import Role
from leadkeeper.ai.model import Endpoint
from leadkeeper.ai.trial import Trial, trial
from leadkeeper.config import Settings
from leadkeeper.errors import Invalid
from leadkeeper.web import forms, sealed, settings_form
from leadkeeper.web.access import Access
from leadkeeper.web.forms import Form
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page
from leadkeeper.web_addresses import origin, takes_secrets

WAITING = (("quiet_seconds", 0, 300), ("quiet_max_seconds", 0, 900), ("answer_score", 0, 1), ("answer_margin", 0, 1))
"""(setting, least, most) of the first form."""
MODEL = ("ai_url", "ai_model", "ai_key")
TRIAL_SECONDS = 20.0
PURPOSE = "ai"


@dataclass(frozen=True, slots=True)
class AnswersView:
    """What the page shows. `has_key`: a key is stored, it is never shown."""

    tabs: list[tuple[str, str, bool]]
    form: Form
    model: Form
    fixed: frozenset[str]
    may: bool
    has_key: bool
    tried: Trial | None = None


@page("/settings/answers", title="Settings", access=Access.VIEWER)
async def settings_answers(request: Request) -> Response:
    """Waiting, thresholds, model."""
    return await _show(request)


@page.post("/settings/answers", title="Settings", access=Access.ADMIN)
async def save_answers(request: Request) -> Response:
    """Keep waiting times and thresholds."""
    form = await forms.read(request)
    fixed = await settings_form.fixed(request, [name for name, *_ in WAITING])
    try:
        values: dict[str, Any] = {
            name: form.number(name, least=least, most=most, whole=False) for name, least, most in WAITING if name not in fixed
        }
        now = request.state.settings
        longest, quiet = (values.get(name, getattr(now, name)) for name in ("quiet_max_seconds", "quiet_seconds"))
        if longest < quiet and "quiet_max_seconds" not in form.errors:
            form.errors["quiet_max_seconds"] = "This must not be shorter than the quiet time."
        form.check()
        await settings_form.store(request, values)
    except Invalid as error:
        return await _show(request, form=form.failed(error), status=400)
    return redirect(request, "/settings/answers", "Saved.")


@page.post("/settings/answers/model", title="Settings", access=Access.ADMIN)
async def save_model(request: Request) -> Response:
    """Keep the model's endpoint, or only try it."""
    form = await forms.read(request)
    fixed = await settings_form.fixed(request, MODEL)
    try:
        entered, typed = _entered(request, form, fixed)
    except Invalid as error:
        form.values.pop("ai_key", None)
        return await _show(request, model=form.failed(error), status=400)
    if form.flag("try"):
        async with request.state.site.client() as http:
            tried = await trial(http, entered)
        form.values.pop("ai_key", None)
        form.values[sealed.FIELD] = sealed.keep(request.state.box, PURPOSE, {"ai_key": typed})
        return await _show(request, model=form, tried=tried)
    values: dict[str, Any] = {"ai_url": entered.url, "ai_model": entered.model}
    if typed or not entered.key:
        values["ai_key"] = typed
    kept = {name: value for name, value in values.items() if name not in fixed}
    await settings_form.store(request, kept)
    return redirect(request, "/settings/answers", "Saved.")


def _entered(request: Request, form: Form, fixed: frozenset[str]) -> tuple[Endpoint, str]:
    """The endpoint as it will be, and the key that was entered anew. Raises Invalid with every bad field.

    A stored key is used only at the address it was entered for.
    """
    now: Settings = request.state.settings
    url = now.ai_url if "ai_url" in fixed else form.text("ai_url", longest=300, required=False).rstrip("/")
    model = now.ai_model if "ai_model" in fixed else form.text("ai_model", longest=100, required=False)
    typed = sealed.restore(request.state.box, PURPOSE, form, ("ai_key",))["ai_key"]
    key = "" if form.flag("no_key") and "ai_key" not in fixed else typed or now.ai_key.get_secret_value()
    if typed and not (typed.isascii() and typed.isprintable() and " " not in typed):
        form.errors["ai_key"] = "This does not look right: it must be one word of plain letters, digits and signs."
    if url and not origin(url):
        form.errors["ai_url"] = "Enter a web address, like https://api.openai.com/v1."
    elif url and key and not takes_secrets(url):
        form.errors["ai_url"] = "Use https: the key would travel unprotected."
    elif url and not model:
        form.errors["ai_model"] = "Enter the name of the model."
    if form.flag("try") and not url:
        form.errors["ai_url"] = "Enter a web address, like https://api.openai.com/v1."
    if key and not typed and url and origin(url) != origin(now.ai_url):
        form.errors["ai_key"] = "Enter the key again: the stored one is sent only to the address it was entered for."
    form.check()
    return Endpoint(url, key, model, min(TRIAL_SECONDS, now.ai_seconds)), typed


async def _show(
    request: Request, form: Form | None = None, model: Form | None = None, tried: Trial | None = None, status: int = 200
) -> Response:
    now: Settings = request.state.settings
    fixed = await settings_form.fixed(request, [*(name for name, *_ in WAITING), *MODEL])
    view = AnswersView(
        settings_form.tabs(request),
        form or Form({name: f"{getattr(now, name):g}" for name, *_ in WAITING}),
        model or Form({"ai_url": now.ai_url, "ai_model": now.ai_model}),
        fixed,
        request.state.user.role.may(Role.ADMIN),
        bool(now.ai_key.get_secret_value()),
        tried,
    )
    return render(request, "pages/settings_answers.html", view, status=status)
