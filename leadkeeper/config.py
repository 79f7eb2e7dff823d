"""Everything that may differ between two installations. Names are LEADKEEPER_<FIELD>.

Environment first, then `.env`, then the settings in the database (`effective`). A name in our
prefix that we do not know is an error: a misspelt setting must not be silently ignored.
"""

import difflib
import ipaddress
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from leadkeeper.errors import Invalid, Misconfigured
from leadkeeper.web_addresses import origin

PREFIX = "LEADKEEPER_"
KNOWN_ELSEWHERE = ("TESTS", "BOOT", "TURN")
"""Names in our prefix that are read by others (the test suite, worker/boot.py, worker/spare.py) and ignored here."""

FROM_DATABASE = (
    "public_url", "timezone", "quiet_seconds", "quiet_max_seconds", "chat_origins", "cron_secret", "ingest_key",
    "ai_url", "ai_key", "ai_model", "answer_score", "answer_margin", "automatic_messages",
)  # fmt: skip
"""Settings an operator may change on /settings; all others are set where the process starts."""


@cache
def time_zones() -> frozenset[str]:
    """The names of all time zones; read once, as it takes a walk through a thousand files."""
    return frozenset(available_timezones())


class Settings(BaseSettings):
    """The settings of one process, frozen. `sources` says where each differing value came from."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    _in_force: "tuple[dict[str, Any], Settings] | None" = PrivateAttr(None)
    """What `effective` made of these last, and from which rows: every job asks."""

    database_url: str = Field(
        "",
        description="sqlite:///file or postgresql://user@host/db (with standbys: host1:5432,host2:5432); "
        "empty: a file in the data folder",
    )
    data_dir: Path = Field(Path("data"), description="folder of the database, media, keys and reports")
    host: str = Field("127.0.0.1", description="address the web server listens on")
    port: int = Field(8000, ge=0, le=65535, description="port the web server listens on")
    public_url: str = Field("", description="address people and providers reach us at, for example https://desk.example.com")
    timezone: str = Field("UTC", description="the business's time zone, for example Asia/Dubai")
    poll_seconds: float = Field(5, ge=0.05, description="the worker looks at the queue at least this often")
    batch_size: int = Field(500, ge=1, le=5_000, description="most jobs one claim takes")
    worker_slots: int = Field(1000, ge=1, le=10_000, description="jobs that may run or wait for the network at once")
    lease_seconds: float = Field(15, ge=3, description="a silent worker's jobs are taken again after this")
    backoff_seconds: float = Field(15, gt=0, description="wait before the first retry; 4 times longer each time, at most 1 h")
    quiet_seconds: float = Field(3, ge=0, description="an answer waits until the customer has been quiet for this long")
    quiet_max_seconds: float = Field(15, ge=0, description="but never longer than this after the first unanswered message")
    graph_url: str = Field("https://graph.facebook.com", description="provider address of new WhatsApp accounts")
    graph_version: str = Field("v26.0", description="Graph API version")
    whatsapp_phone_number_id: str = Field("", description="connects a WhatsApp number without the console")
    whatsapp_token: SecretStr = Field(SecretStr(""), description="access token of that number")
    whatsapp_app_secret: SecretStr = Field(SecretStr(""), description="app secret: proves that a webhook is Meta's")
    whatsapp_verify_token: SecretStr = Field(SecretStr(""), description="token of the webhook's verification")
    ai_url: str = Field(
        "", description="OpenAI-compatible endpoint, for example http://127.0.0.1:11434/v1; empty: extractive answers"
    )
    ai_key: SecretStr = Field(SecretStr(""), description="key of that endpoint, if it wants one")
    ai_model: str = Field("", description="model name at that endpoint")
    ai_seconds: float = Field(30, gt=0, le=120, description="time-out of one model call")
    answer_score: float = Field(0.35, ge=0, le=1, description="lowest score of a passage that may answer")
    answer_margin: float = Field(0.18, ge=0, le=1, description="lowest lead over the next different answer")
    automatic_messages: bool = Field(True, description="the stop switch: false stops every automatic message")
    worker_auto_start: bool | None = Field(
        None,
        validation_alias=AliasChoices("LEADKEEPER_WORKER_AUTO_START", "AUTOPILOT_WORKER_AUTO_START"),
        description="false: this boot's own worker stays stopped until Start is pressed",
    )
    chat_origins: str = Field("", description="origins that may frame the chat widget, separated by spaces")
    cron_secret: SecretStr = Field(SecretStr(""), description="secret of the cron paths; empty: they are closed")
    ingest_key: SecretStr = Field(SecretStr(""), description="key of POST /api/leads/ingest; empty: a login is needed")
    trusted_proxies: str = Field("", description="addresses whose X-Forwarded-* headers are believed, separated by spaces")
    admin_email: str = Field("", description="creates the first owner at start, together with ADMIN_PASSWORD")
    admin_password: SecretStr = Field(SecretStr(""), description="password of that owner")
    log_format: Literal["json", "text"] = Field("json", description="one JSON object a line, or text for people")
    max_upload_mb: int = Field(5, ge=1, le=100, description="largest training document")
    disk_reserve_mb: int = Field(
        50, ge=1, le=100_000, description="room kept free on the disk: below it webhooks are refused, to be delivered again later"
    )
    max_media_mb: int = Field(25, ge=1, le=200, description="largest media file fetched from a provider")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in time_zones():
            near = _near(value.rpartition("/")[2], {zone.rpartition("/")[2].lower(): zone for zone in sorted(time_zones())})
            raise ValueError(f"unknown time zone {value!r}" + (f"; did you mean {near}?" if near else ""))
        return value

    @field_validator("graph_url", "ai_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not origin(value):
            raise ValueError("must begin with http:// or https:// and name a host")
        return value.rstrip("/")

    @field_validator("public_url", "chat_origins")
    @classmethod
    def _origins(cls, value: str, info: ValidationInfo) -> str:
        given = [each.rstrip("/") for each in value.replace(",", " ").split()]
        if info.field_name == "public_url" and len(given) > 1:
            raise ValueError("must be one address")
        if any(origin(each) != each for each in given):
            raise ValueError("must begin with http:// or https:// and end with the host or its port, without a path")
        return " ".join(given)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        given = value.replace(",", " ").split()
        for each in given:
            ipaddress.ip_network(each, strict=False)
        return " ".join(given)

    @property
    def database(self) -> str:
        """The database's URL: the one given, or a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'leadkeeper.db'}"

    @property
    def zone(self) -> ZoneInfo:
        """The business's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def origin(self) -> str:
        """The origin pages are served from."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def secure(self) -> bool:
        """True when people reach us over https: cookies are Secure then."""
        return self.public_url.startswith("https://")


def load() -> Settings:
    """Settings of this process. Raises Misconfigured, naming each bad or unknown variable."""
    _refuse_unknown({**dotenv_values(".env"), **os.environ})
    return _checked({})


def effective(settings: Settings, rows: Mapping[str, Any]) -> Settings:
    """`settings` with the database's values where the environment gave none."""
    more = {name: value for name, value in rows.items() if name in FROM_DATABASE and name not in settings.model_fields_set}
    if not more:
        return settings
    held = settings._in_force
    if held is None or held[0] != more:
        checked = _checked(more)
        held = more, settings.model_copy(update={name: getattr(checked, name) for name in more})
        settings._in_force = held
    return held[1]


def source_of(settings: Settings, name: str, rows: Mapping[str, Any]) -> str:
    """Where the value of a setting comes from: environment, database or default."""
    if name in settings.model_fields_set:
        return "environment"
    return "database" if name in FROM_DATABASE and name in rows else "default"


def check(name: str, value: Any) -> None:
    """Raises Invalid, naming the field, unless `value` may be stored for the setting `name`."""
    if name not in FROM_DATABASE:
        raise Invalid("this setting cannot be changed here", {name: "is set where the process starts"})
    try:
        _checked({name: value})
    except Misconfigured as error:
        raise Invalid("the setting was not saved", {name: error.message.split(": ", 1)[-1]}) from error


def _checked(values: dict[str, Any]) -> Settings:
    try:
        return Settings(**values)
    except ValidationError as error:
        bad = [f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg'].removeprefix('Value error, ')}" for item in error.errors()]
        raise Misconfigured("; ".join(bad)) from error


def _refuse_unknown(given: Mapping[str, str | None]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {PREFIX + name for name in KNOWN_ELSEWHERE}
    for name in given:
        if name.startswith(PREFIX) and name not in known:
            near = _near(name.removeprefix(PREFIX), {each.removeprefix(PREFIX).lower(): each for each in known})
            raise Misconfigured(f"{name} is not a setting" + (f"; did you mean {near}?" if near else ""))


def _near(text: str, known: Mapping[str, str]) -> str:
    """The value of the key most like `text`; empty when none is."""
    found = difflib.get_close_matches(text.lower(), known, n=1)
    return known[found[0]] if found else ""
