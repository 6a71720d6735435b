"""What the children of `up` are told: settings, in the environment where they look for them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from estafette.settings import PREFIX, Settings

_LOOPBACK_NETWORKS = "127.0.0.0/8,::1/128"


def for_children(
    settings: Settings, dsn: str, secret_keys: Sequence[str], port: int, metrics_port: int | None
) -> dict[str, str]:
    """Returns the environment of the children, in which the settings reach them.

    The first of `secret_keys` encrypts. `port` is where the server listens, `metrics_port` where it
    serves its metrics; None: nowhere of its own.
    """
    listening = replace(settings, port=port)
    public_url = listening.public_url
    if public_url == settings.local_url:
        public_url = listening.local_url
    networks = ",".join(map(str, settings.webhook_allowed_networks))
    if allows_loopback(settings):
        networks = _LOOPBACK_NETWORKS
    values = {
        "database_url": dsn,
        "data_dir": str(settings.data_dir.resolve()),
        "secret_key": secret_keys[0],
        "other_secret_keys": ",".join(secret_keys[1:]),
        "demo": str(settings.demo),
        "demo_city": str(settings.demo and settings.demo_city),
        "operator_second_factor": str(_needs_second_factor(settings)),
        "host": settings.host,
        "port": str(port),
        "public_url": public_url,
        "sandbox_step_seconds": f"{settings.sandbox_step_seconds:g}",
        "webhook_allowed_networks": networks,
        "log_level": settings.log_level,
        "log_format": settings.log_format,
    }
    if metrics_port is not None:
        values["metrics_port"] = str(metrics_port)
    return {**os.environ, **{PREFIX + name.upper(): value for name, value in values.items()}}


def allows_loopback(settings: Settings) -> bool:
    """Returns whether webhooks may reach this machine without a setting that allows it.

    A developer's receiver runs on this machine. Where Estafette serves others, they must not reach
    what listens on loopback.
    """
    return not settings.names_webhook_networks and not settings.is_public


def _needs_second_factor(settings: Settings) -> bool:
    """Returns whether the operator's people need one: this machine's developer does not."""
    named = "operator_second_factor" in settings.named
    return settings.operator_second_factor if named else settings.is_public


def metrics_url(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """Returns where the metrics are that children with this environment serve; None: nowhere."""
    port = environment.get(f"{PREFIX}METRICS_PORT")
    if not port:
        return None
    at = replace(settings, host=settings.metrics_host, port=int(port))
    return f"{at.local_url}/metrics"
