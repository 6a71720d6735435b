"""The page that documents the sandbox, made from the scenarios themselves: never out of date."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.types import Scope

from estafette.core.deliveries.delivery import Status
from estafette.core.sandbox.scenario import DEFAULT, SCENARIOS
from estafette.http.reply import HttpReply
from estafette.http.shell import Shell, query_of, reader_of, render
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox.rehearse import rehearse


class Mention(NamedTuple):
    """Where in the requests of an API a scenario is named, and that part of a request."""

    title: str
    where: str
    example: str


def reply(scope: Scope, platform: Platform, mentions: Sequence[Mention]) -> HttpReply:
    """Returns the page, with what accounts of each of the platform's dialects hear."""
    return render(
        "couriers/sandbox/templates/docs.html",
        reader_of(scope),
        Shell(query=query_of(scope)),
        headers=((b"cache-control", b"no-cache"),),
        public_url=platform.public_url,
        step_seconds=_whole(platform.sandbox_step.total_seconds()),
        default=DEFAULT,
        scenarios=[_described(name, platform) for name in SCENARIOS],
        mentions=mentions,
        dialects=list(platform.dialects),
        statuses=list(Status),
    )


def _whole(seconds: float) -> float:
    """Returns a whole number as one, so that it is written without a point."""
    return int(seconds) if seconds == int(seconds) else seconds


def _described(name: str, platform: Platform) -> dict[str, Any]:
    """Returns a scenario with its course for each dialect."""
    return {
        "name": name,
        "summary": SCENARIOS[name].summary,
        "courses": [
            {
                "dialect": dialect.name,
                "happenings": [
                    {
                        "at": f"{one.at:g}",
                        "status": one.status,
                        "note": one.note or "",
                        "announced": list(one.announced),
                        "announced_at": f"{one.announced_at:g}",
                        "late": one.announced_at != one.at,
                        "copies": one.copies,
                    }
                    for one in rehearse(name, dialect)
                ],
            }
            for dialect in platform.dialects.values()
        ],
    }
