"""The settings: typed, from the environment and a file.

Precedence: options of a command, `ESTAFETTE_…` in the environment (`DATABASE_URL` is understood
without the prefix too), the file, the default. The file is TOML with the same names in lower case
and without the prefix; it is `ESTAFETTE_CONFIG`, or `estafette.toml` in the working directory, or
`estafette.toml` in the data folder.
"""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, cast
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.sources import TomlConfigSettingsSource

from estafette.core.accounts.origin import OriginPatternError, read_pattern
from estafette.core.retention import LONGEST_DAYS, SHORTEST_PERSONAL_DATA_DAYS
from estafette.settings import values

PREFIX = "ESTAFETTE_"
FILE_NAME = "estafette.toml"
DEFAULT_DATA_DIR = Path(".estafette")

CONFIG = PREFIX + "CONFIG"
_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not bound


class Settings(BaseSettings):
    """All settings of a process. Durations are seconds, sizes bytes."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, validate_default=True
    )

    database_url: str | None = Field(
        default=None,
        repr=False,
        description="PostgreSQL 15 or newer; without it `up` starts an embedded one",
    )
    database_pool_size: int = Field(
        default=16, ge=2, le=1000, description="connections of one process to the database"
    )
    data_dir: Path = Field(
        default=DEFAULT_DATA_DIR, description="the folder of the embedded PostgreSQL and of `up`"
    )
    secret_key: str | None = Field(
        default=None,
        repr=False,
        description="encrypts webhook secrets; 32 bytes in URL-safe base 64; `up` makes one",
    )
    other_secret_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        repr=False,
        max_length=5,
        description="keys with which secrets are read besides, while the key is changed",
    )
    demo: bool = Field(
        default=True, description="`up` makes demo accounts with sandbox keys; false: it does not"
    )
    host: str = Field(default="127.0.0.1", description="the address the server listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="its port; 0 is any free one")
    public_url: str = Field(
        default="", description="where the world reaches the server; http://localhost:PORT"
    )
    trusted_proxies: Annotated[tuple[values.Network, ...], NoDecode] = Field(
        default=(),
        description="networks of proxies whose X-Forwarded-For is believed; none: nobody's",
    )
    address_failures_per_second: float = Field(
        default=5,
        ge=0.01,
        le=100_000,
        description="wrong keys and signatures of one client address; 20 seconds' worth at once",
    )
    address_requests_per_second: float = Field(
        default=50,
        ge=0.01,
        le=100_000,
        description="requests without a key (tracking, docs, widget.js) of one client address;"
        " 20 seconds' worth at once",
    )
    max_connections: int = Field(
        default=10_000,
        ge=10,
        le=1_000_000,
        description="connections of one server; fewer where the limit of open files is lower",
    )
    address_connections: int = Field(
        default=256,
        ge=1,
        le=1_000_000,
        description="connections of one client address to one server; proxies may have any number",
    )
    head_seconds: float = Field(
        default=15, ge=0.1, le=600, description="how long the head of a request may take to arrive"
    )
    idle_seconds: float = Field(
        default=75, ge=0.1, le=3600, description="how long a connection may wait between requests"
    )
    sending_seconds: float = Field(
        default=30, ge=0.1, le=600, description="how long an answer may wait to be read on"
    )
    server_processes: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="server processes over this database: rate limits are divided by it",
    )
    sandbox_step_seconds: float = Field(
        default=5,
        ge=0,
        le=86_400,
        description="how long a simulated courier takes for a step; 0: moves only when told",
    )
    payment_wait_seconds: float = Field(
        default=86_400,
        ge=1,
        le=30 * 86_400,
        description="how long a bank transfer is awaited before the delivery is cancelled",
    )
    pickup_lead_seconds: float = Field(
        default=1_800,
        ge=0,
        le=86_400,
        description="how long before a scheduled pickup an assigned delivery is ready for it",
    )
    courier_wait_seconds: float = Field(
        default=1_800,
        ge=1,
        le=30 * 86_400,
        description="after which a live delivery without a courier is stalled",
    )
    silence_seconds: float = Field(
        default=3_600,
        ge=1,
        le=30 * 86_400,
        description="after which a delivery that is late and not heard of is stalled",
    )
    webhook_allowed_networks: Annotated[tuple[values.Network, ...], NoDecode] = Field(
        default=(),
        description="networks that webhooks may reach although they are not public, and courier"
        " companies' platforms without TLS",
    )
    webhook_concurrency: int = Field(
        default=256,
        ge=1,
        le=10_000,
        description="webhooks in flight of one worker, those apart that"
        " take longer than half a second: up to three times as many",
    )
    webhook_endpoint_concurrency: int = Field(
        default=16, ge=1, le=1000, description="webhooks in flight of one worker to one endpoint"
    )
    webhook_lease_seconds: float = Field(
        default=30,
        ge=10,
        le=3600,
        description="after which a dead worker's webhooks are taken over",
    )
    remote_lease_seconds: float = Field(
        default=40,
        ge=2,
        le=3600,
        description="after which a dead worker's errands to other platforms are taken over",
    )
    remote_poll_seconds: float = Field(
        default=5,
        ge=0.1,
        le=3600,
        description="how long after its placing a delivery is looked at on another platform; the"
        " looks grow rarer, up to twelve times that, while nothing is new",
    )
    remote_rest_seconds: float = Field(
        default=15,
        ge=0.1,
        le=300,
        description="how long another platform that failed five times in a row is left alone;"
        " doubled each time that it fails again, up to five minutes",
    )
    quotes_kept_days: int = Field(
        default=1, ge=1, le=3650, description="how long a quote is kept after it has expired"
    )
    messages_kept_days: int = Field(
        default=30, ge=1, le=3650, description="how long webhooks are kept that were delivered"
    )
    dead_messages_kept_days: int = Field(
        default=90, ge=1, le=3650, description="how long webhooks are kept that were given up"
    )
    attempts_kept_days: int = Field(
        default=30, ge=1, le=3650, description="how long each try to send a webhook is kept"
    )
    audit_kept_days: int = Field(
        default=730,
        ge=30,
        le=LONGEST_DAYS,
        description="how long a month of the audit is kept after its end",
    )
    dispatches_kept_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="how long it is kept how a delivery went to another platform, after its end",
    )
    personal_data_days: int = Field(
        default=180,
        ge=SHORTEST_PERSONAL_DATA_DAYS,
        le=LONGEST_DAYS,
        description="how long names, phones, addresses and notes are kept after a delivery's end",
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="the address that the ports of metrics listen on"
    )
    metrics_port: int | None = Field(
        default=None, ge=1, le=65535, description="where a server serves its metrics; none"
    )
    metrics_token: str | None = Field(
        default=None,
        min_length=16,
        max_length=200,
        repr=False,
        description="whoever shows it as a bearer token gets /metrics, on every port",
    )
    worker_metrics_port: int | None = Field(
        default=None, ge=1, le=65535, description="where a worker serves its metrics; none"
    )
    hang_seconds: float = Field(
        default=15,
        ge=1,
        le=3600,
        description="after which a server or worker whose event loop stands still ends itself; `up`"
        " starts it again",
    )
    shutdown_seconds: float = Field(
        default=20, ge=1, le=600, description="what an orderly shutdown may take"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: for people where stderr is a terminal, else JSON"
    )

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str | None) -> str | None:
        if value is not None and not values.is_postgres_url(value):
            raise ValueError(
                "must be a postgresql:// URL; what is special in its password is percent-encoded"
            )
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_cipher_key(cls, value: str | None) -> str | None:
        return value if value is None else values.cipher_key(value)

    @field_validator("other_secret_keys", mode="before")
    @classmethod
    def _are_cipher_keys(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            raise ValueError("must be keys as `estafette secret-key` prints them, with commas")
        keys = [str(part).strip() for part in cast("list[object]", parts)]
        return tuple(values.cipher_key(key) for key in keys if key)

    @field_validator("public_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not value:
            return value
        try:
            origin = read_pattern(value.strip().rstrip("/"))
        except OriginPatternError:
            origin = "*"
        if "*" in origin:  # it is told without the value, which may hold a password
            raise ValueError(values.no_public_url(value))
        return origin

    @field_validator("trusted_proxies", "webhook_allowed_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            raise ValueError("must be networks such as 10.1.0.0/16, separated by commas")
        return tuple(values.network(part) for part in cast("list[object]", parts) if part != "")

    @field_validator(
        "address_failures_per_second",
        "address_requests_per_second",
        "head_seconds",
        "idle_seconds",
        "sending_seconds",
        "sandbox_step_seconds",
        "payment_wait_seconds",
        "pickup_lead_seconds",
        "courier_wait_seconds",
        "silence_seconds",
        "webhook_lease_seconds",
        "remote_lease_seconds",
        "remote_poll_seconds",
        "remote_rest_seconds",
        "hang_seconds",
        "shutdown_seconds",
    )
    @classmethod
    def _is_finite(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("must be a finite number")
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _default_public_url(self) -> "Settings":
        if not self.public_url:
            object.__setattr__(self, "public_url", self.local_url)
        return self

    @property
    def local_url(self) -> str:
        """Where this machine reaches the server, without a slash at the end."""
        host = self.host
        if host in values.LOOPBACK or host in _ANY_ADDRESS:
            host = "localhost"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def listens_beyond_loopback(self) -> bool:
        """Whether other machines may be able to connect."""
        return not values.is_loopback(self.host)

    @property
    def is_public(self) -> bool:
        """Whether others are served: by the address it listens on, or through a proxy."""
        return self.listens_beyond_loopback or not values.is_loopback(
            urlsplit(self.public_url).hostname or ""
        )

    @property
    def names_webhook_networks(self) -> bool:
        """Whether somebody has said which networks webhooks may reach, be it none."""
        return "webhook_allowed_networks" in self.model_fields_set

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The precedence of the module's docstring."""
        plain = {name: value for name, value in unprefixed(os.environ).items() if value}
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, _said_to_be_none(os.environ)),
            InitSettingsSource(settings_cls, plain),
            TomlConfigSettingsSource(settings_cls, config_file(os.environ)),
        )


def _said_to_be_none(environ: Mapping[str, str]) -> dict[str, object]:
    """The settings that an empty variable sets to nothing, instead of leaving them as they are."""
    name = "webhook_allowed_networks"
    given = {variable.upper(): value for variable, value in environ.items()}
    return {name: ""} if given.get(PREFIX + name.upper()) == "" else {}


def config_file(environ: Mapping[str, str]) -> Path | None:
    """The file with settings, or None. One that is named and missing is returned all the same."""
    if named := environ.get(CONFIG):
        return Path(named)
    data_dir = Path(environ.get(PREFIX + "DATA_DIR") or DEFAULT_DATA_DIR)
    return next((f for f in (Path(FILE_NAME), data_dir / FILE_NAME) if f.is_file()), None)


def unprefixed(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that are understood without our prefix; empty where there are none."""
    return {"database_url": environ.get("DATABASE_URL", "")}
