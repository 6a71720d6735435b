"""The settings: typed, from the environment and a file.

Precedence: options of a command, `ESTAFETTE_…` in the environment (`DATABASE_URL` is understood
without the prefix too), the file, the default. The file is TOML with the same names in lower case
and without the prefix; it is `ESTAFETTE_CONFIG`, or `estafette.toml` in the working directory, or
`estafette.toml` in the data folder. `settings.problems` loads them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from estafette.core.retention import LONGEST_DAYS, SHORTEST_PERSONAL_DATA_DAYS
from estafette.settings import values
from estafette.settings.values import number, one_of, whole

PREFIX = "ESTAFETTE_"
FILE_NAME = "estafette.toml"
DEFAULT_DATA_DIR = Path(".estafette")

CONFIG = PREFIX + "CONFIG"
_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not bound

T = TypeVar("T")


def _setting(default: T, read: Callable[[object], T], about: str, *, is_secret: bool = False) -> T:
    """Returns a setting, whose text `read` parses, or refuses by ValueError with the reason.

    `about` is for the reader of this file. A secret is never shown, neither here nor in a reason.
    """
    facts = {"read": read, "about": about, "is_secret": is_secret}
    return field(default=default, repr=not is_secret, metadata=facts)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a process. Durations are seconds, sizes bytes.

    `named` are the settings that somebody has named, whatever their values.
    """

    database_url: str | None = _setting(
        None,
        values.postgres_url,
        "PostgreSQL 15 or newer; without it `up` starts an embedded one",
        is_secret=True,
    )
    database_pool_size: int = _setting(
        16, whole(2, 1000), "connections of one process to the database"
    )
    data_dir: Path = _setting(  # noqa: RUF009 - it returns a field
        DEFAULT_DATA_DIR, values.folder, "the folder of the embedded PostgreSQL and of `up`"
    )
    secret_key: str | None = _setting(
        None,
        values.cipher_key,
        "encrypts webhook secrets; 32 bytes in URL-safe base 64; `up` makes one",
        is_secret=True,
    )
    other_secret_keys: tuple[str, ...] = _setting(
        (),
        values.cipher_keys,
        "keys with which secrets are read besides, while the key is changed",
        is_secret=True,
    )
    demo: bool = _setting(
        True, values.flag, "`up` makes demo accounts with sandbox keys; false: it does not"
    )
    demo_city: bool = _setting(
        False,
        values.flag,
        "the demo has simulated drivers and some deliveries under way in each market; unless named,"
        " `up` has it so with its demo, but not with --json",
    )
    operator_second_factor: bool = _setting(
        True,
        values.flag,
        "the operator's people open nothing without a second factor; unless named, `up` asks for"
        " none where it serves this machine alone",
    )
    host: str = _setting("127.0.0.1", values.text(), "the address the server listens on")
    port: int = _setting(8000, whole(0, 65535), "its port; 0 is any free one")
    public_url: str = _setting(
        "", values.public_url, "where the world reaches the server; http://localhost:PORT"
    )
    trusted_proxies: tuple[values.Network, ...] = _setting(
        (), values.networks, "networks of proxies whose X-Forwarded-For is believed; none: nobody's"
    )
    address_failures_per_second: float = _setting(
        5,
        number(0.01, 100_000),
        "wrong keys and signatures of one client address; 20 seconds' worth at once",
    )
    address_requests_per_second: float = _setting(
        50,
        number(0.01, 100_000),
        "requests without a key (tracking, docs, widget.js) of one client address;"
        " 20 seconds' worth at once",
    )
    max_connections: int = _setting(
        10_000,
        whole(10, 1_000_000),
        "connections of one server; fewer where the limit of open files is lower",
    )
    address_connections: int = _setting(
        256,
        whole(1, 1_000_000),
        "connections of one client address to one server; proxies may have any number",
    )
    head_seconds: float = _setting(
        15, number(0.1, 600), "how long the head of a request may take to arrive"
    )
    idle_seconds: float = _setting(
        75, number(0.1, 3600), "how long a connection may wait between requests"
    )
    sending_seconds: float = _setting(
        30, number(0.1, 600), "how long an answer may wait to be read on"
    )
    server_processes: int = _setting(
        1, whole(1, 1000), "server processes over this database: rate limits are divided by it"
    )
    sandbox_step_seconds: float = _setting(
        5,
        number(0, 86_400),
        "how long a simulated courier takes for a step; 0: moves only when told",
    )
    payment_wait_seconds: float = _setting(
        86_400,
        number(1, 30 * 86_400),
        "how long a bank transfer is awaited before the delivery is cancelled",
    )
    pickup_lead_seconds: float = _setting(
        1_800,
        number(0, 86_400),
        "how long before a scheduled pickup an assigned delivery is ready for it",
    )
    courier_wait_seconds: float = _setting(
        1_800, number(1, 30 * 86_400), "after which a live delivery without a courier is stalled"
    )
    silence_seconds: float = _setting(
        3_600,
        number(1, 30 * 86_400),
        "after which a delivery that is late and not heard of is stalled",
    )
    webhook_allowed_networks: tuple[values.Network, ...] = _setting(
        (),
        values.networks,
        "networks that webhooks may reach although they are not public, and courier"
        " companies' platforms without TLS",
    )
    webhook_source_addresses: tuple[values.Network, ...] = _setting(
        (),
        values.networks,
        "addresses that webhooks come from, for receivers behind a firewall; none: not told",
    )
    webhook_concurrency: int = _setting(
        256,
        whole(1, 10_000),
        "webhooks in flight of one worker, those apart that"
        " take longer than half a second: up to three times as many",
    )
    webhook_endpoint_concurrency: int = _setting(
        16, whole(1, 1000), "webhooks in flight of one worker to one endpoint"
    )
    webhook_lease_seconds: float = _setting(
        30, number(10, 3600), "after which a dead worker's webhooks are taken over"
    )
    notification_gateway_url: str | None = _setting(
        None,
        values.http_url,
        "an HTTP service that passes texts on to phones; {phone}, {digits}, {text} and {id} are"
        " filled in; without it they are written into a file in the data folder",
        is_secret=True,
    )
    notification_gateway_headers: tuple[tuple[str, str], ...] = _setting(
        (),
        values.headers,
        "the headers of that request as a JSON object, in which the same are filled in",
        is_secret=True,
    )
    notification_gateway_body: str = _setting(
        '{"to": "{phone}", "text": "{text}"}',
        values.text(0, 4_000),
        "the body of that request, in which the same are filled in",
    )
    notification_allowed_networks: tuple[values.Network, ...] = _setting(
        (), values.networks, "networks that the gateway may be in although they are not public"
    )
    smtp_url: str | None = _setting(
        None,
        values.mail_server,
        "the mail server for letters to people: smtps://USER:PASSWORD@HOST:PORT, smtp:// for"
        " STARTTLS; without it they are written into a file in the data folder",
        is_secret=True,
    )
    smtp_from: str | None = _setting(
        None, values.mail_address, "the address that letters come from; estafette@ the public host"
    )
    remote_lease_seconds: float = _setting(
        40, number(2, 3600), "after which a dead worker's errands to other platforms are taken over"
    )
    remote_poll_seconds: float = _setting(
        5,
        number(0.1, 3600),
        "how long after its placing a delivery is looked at on another platform; the"
        " looks grow rarer, up to twelve times that, while nothing is new",
    )
    remote_rest_seconds: float = _setting(
        15,
        number(0.1, 300),
        "how long another platform that failed five times in a row is left alone;"
        " doubled each time that it fails again, up to five minutes",
    )
    routing_url: str | None = _setting(
        None,
        values.http_url,
        "the address of a routing engine of your own, such as http://127.0.0.1:5000; without it"
        " ways are as the crow flies, times 1.4",
    )
    routing_engine: Literal["osrm", "valhalla"] = _setting(
        "osrm", one_of("osrm", "valhalla"), "what answers there"
    )
    routing_seconds: float = _setting(
        3, number(0.1, 30), "how long it may take for all ways of a plan"
    )
    courier_grid_metres: int = _setting(
        200,
        whole(10, 5000),
        "the cells of the grid by which recipients are shown the courier on the way to them",
    )
    map_tiles: Path | None = _setting(  # noqa: RUF009 - it returns a field
        None,
        values.file,
        "a PMTiles file, by its path in the data folder or its whole path: maps are drawn over it",
    )
    quotes_kept_days: int = _setting(
        1, whole(1, 3650), "how long a quote is kept after it has expired"
    )
    messages_kept_days: int = _setting(
        30, whole(1, 3650), "how long webhooks are kept that were delivered"
    )
    dead_messages_kept_days: int = _setting(
        90, whole(1, 3650), "how long webhooks are kept that were given up"
    )
    attempts_kept_days: int = _setting(
        30, whole(1, 3650), "how long each try to send a webhook is kept"
    )
    requests_kept_days: int = _setting(
        7, whole(1, 90), "how long an account's log of its API requests is kept"
    )
    positions_kept_days: int = _setting(
        14, whole(1, 3650), "how long it is kept where drivers were"
    )
    audit_kept_days: int = _setting(
        730, whole(30, LONGEST_DAYS), "how long a month of the audit is kept after its end"
    )
    dispatches_kept_days: int = _setting(
        90,
        whole(1, 3650),
        "how long it is kept how a delivery went to another platform, after its end",
    )
    personal_data_days: int = _setting(
        180,
        whole(SHORTEST_PERSONAL_DATA_DAYS, LONGEST_DAYS),
        "how long names, phones, addresses and notes are kept after a delivery's end",
    )
    proofs_kept_days: int = _setting(
        90, whole(1, 3650), "how long proofs and their pictures are kept after they were received"
    )
    files_url: str | None = _setting(
        None,
        values.bucket,
        "where pictures are kept: s3://BUCKET/PREFIX; none: the folder files of the data folder",
    )
    files_endpoint: str | None = _setting(
        None, values.http_url, "the address of a store that speaks S3; none: Amazon's"
    )
    files_region: str | None = _setting(
        None, values.text(1, 100), "the region of that bucket; us-east-1"
    )
    files_key_id: str | None = _setting(
        None, values.text(1, 200), "as whom the bucket is opened; none: as the environment says"
    )
    files_secret: str | None = _setting(
        None, values.text(1, 500), "the secret of that key", is_secret=True
    )
    metrics_host: str = _setting(
        "127.0.0.1", values.text(), "the address that the ports of metrics listen on"
    )
    metrics_port: int | None = _setting(
        None, whole(1, 65535), "where a server serves its metrics; none"
    )
    metrics_token: str | None = _setting(
        None,
        values.text(16, 200),
        "whoever shows it as a bearer token gets /metrics, on every port",
        is_secret=True,
    )
    worker_metrics_port: int | None = _setting(
        None, whole(1, 65535), "where a worker serves its metrics; none"
    )
    hang_seconds: float = _setting(
        15,
        number(1, 3600),
        "after which a server or worker whose event loop stands still ends itself; `up`"
        " starts it again",
    )
    shutdown_seconds: float = _setting(20, number(1, 600), "what an orderly shutdown may take")
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", one_of("debug", "info", "warning", "error"), "of what is logged, the least grave"
    )
    log_format: Literal["auto", "json", "console"] = _setting(
        "auto",
        one_of("auto", "json", "console"),
        "auto: for people where stderr is a terminal, else JSON",
    )
    oidc_issuer: str | None = _setting(
        None,
        values.issuer,
        "the OpenID provider where people may sign in besides, as it calls itself",
    )
    oidc_client_id: str | None = _setting(
        None, values.text(1, 200), "as which client the provider knows this server"
    )
    oidc_client_secret: str | None = _setting(
        None,
        values.text(1, 500),
        "the secret of that client; none: a public client, by PKCE alone",
        is_secret=True,
    )
    oidc_name: str = _setting("single sign-on", values.text(1, 40), "what people call the provider")
    named: frozenset[str] = field(default=frozenset(), repr=False)

    def __post_init__(self) -> None:
        """Sets the addresses that no setting names: the public one, and the one of letters."""
        if not self.public_url:
            object.__setattr__(self, "public_url", self.local_url)
        if self.smtp_from is None:
            host = urlsplit(self.public_url).hostname or "localhost"
            object.__setattr__(self, "smtp_from", f"estafette@{host}")

    @property
    def local_url(self) -> str:
        """The server's URL on this machine, without a slash at the end."""
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
        """Whether other machines are served, directly or through a proxy."""
        return self.listens_beyond_loopback or not values.is_loopback(
            urlsplit(self.public_url).hostname or ""
        )

    @property
    def names_webhook_networks(self) -> bool:
        """Whether a setting names the networks that webhooks may reach, or that there are none."""
        return "webhook_allowed_networks" in self.named


SETTINGS = {each.name: each for each in fields(Settings) if "read" in each.metadata}
"""All settings by name, with the reader of each and whether it is a secret."""


def config_file(environ: Mapping[str, str]) -> Path | None:
    """Returns the path of the settings file, or None; one that is named may be missing."""
    if named := environ.get(CONFIG):
        return Path(named)
    data_dir = Path(environ.get(PREFIX + "DATA_DIR") or DEFAULT_DATA_DIR)
    return next((f for f in (Path(FILE_NAME), data_dir / FILE_NAME) if f.is_file()), None)
