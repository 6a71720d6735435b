"""The published APIs that Estafette speaks, one folder each, and the record that each provides.

At run time this module needs the standard library and `http.mounts` alone: `estafette up` reads an
introduction without loading any dialect.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from estafette.http.mounts import Mount

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from estafette.core.deliveries.dialect import Dialect
    from estafette.http.errors import Errors
    from estafette.http.limiter import RateLimiter
    from estafette.usecases.deliveries.create import Creator
    from estafette.usecases.deliveries.ordering import OrderRules
    from estafette.usecases.platform import Platform
    from estafette.webhooks.message import Renderer


@dataclass(frozen=True)
class Introduction:
    """What a dialect's `dialect.toml` says of it, which is read without the dialect's code.

    `title` is what people call the API. `docs` is the path of its page below its `mount`.
    `first_call` is a call that can be run unchanged with a demo account: `$url` is where the
    dialect is mounted, `$order` is new each time, and the account's keys stand by their names.
    `scenario_where` is where in a request a merchant names a scenario of the sandbox ("the drop-off
    notes"), `scenario_example` that part of one; "" where there is no such place.
    """

    title: str
    mount: Mount
    docs: str
    first_call: str
    scenario_where: str = ""
    scenario_example: str = ""

    def docs_url(self, server_url: str) -> str:
        """Returns the URL of its page, where callers reach the server at `server_url`."""
        return self.mount.url(server_url) + self.docs


def introduction(name: str) -> Introduction:
    """Returns the introduction of the dialect of that name, which is its folder's."""
    written = tomllib.loads((files(__name__) / name / "dialect.toml").read_text("utf-8"))
    mount = Mount(written.get("prefix", ""), written.get("host", ""))
    scenario = written.get("scenario", {"where": "", "example": ""})
    return Introduction(
        written["title"],
        mount,
        written["docs"],
        written["first_call"].strip(),
        scenario["where"],
        scenario["example"],
    )


def changelog(name: str) -> str:
    """Returns the text of `changelog.toml` of the dialect of that name; without one, no changes."""
    file = files(__name__) / name / "changelog.toml"
    return file.read_text("utf-8") if file.is_file() else "entry = []"


def later(place: str) -> Callable[..., Any]:
    """Returns the function at a place (`module:function`), which is imported when it is called.

    A command writes deliveries in a dialect's words but does not serve the dialect. So it need not
    load the rest.
    """

    def call(*arguments: Any) -> Any:
        return resolve_name(place)(*arguments)

    return call


class ShowEvent(Protocol):
    """Writes the id of an event as receivers of webhooks see it.

    `ordinal` counts the announcements of one event from 0, as in a message.
    """

    def __call__(self, id: UUID, ordinal: int, *, is_test: bool) -> str:
        """Returns the id of the event's announcement, or of a test webhook."""
        ...


@dataclass(frozen=True)
class Ids:
    """How a dialect writes the ids of deliveries and of events on webhooks.

    `parse` reads what `delivery` wrote, and returns None for any other text.
    """

    delivery: Callable[[UUID], str]
    parse: Callable[[str], UUID | None]
    event: ShowEvent


@dataclass(frozen=True)
class ApiRecord:
    """An API that no account speaks, as the operator's is: served beside the dialects.

    Attributes:
        name: that of its folder.
        introduction: where it is mounted, its page, a first call.
        build: serves it, to be mounted there: over the platform, with the rate limits that this
            process has.
        errors: how it refuses, on a server that the world reaches at that address.
    """

    name: str
    introduction: Introduction
    build: "Callable[[Platform, RateLimiter], ASGIApp]"
    errors: "Callable[[str], Errors]"


@dataclass(frozen=True)
class DialectRecord:
    """All that the rest of Estafette knows of an API that it speaks.

    Attributes:
        dialect: what the core asks of it, its name included: the folder's.
        introduction: where it is mounted, its page, a first call.
        build: serves it, to be mounted there: over the platform, with the creator of deliveries
            and the rate limits that this process has.
        errors: how it refuses, on a server that the world reaches at that address.
        renderer: writes and signs its webhooks; it knows the schedule of retries, too.
        ids: how it writes ids.
        orders: what it says of orders that people write in a form or a file; without it they write
            none.
        pages: what it serves besides, by path prefix: each over a server at that address.
    """

    dialect: "Dialect"
    introduction: Introduction
    build: "Callable[[Platform, Creator, RateLimiter], ASGIApp]"
    errors: "Callable[[str], Errors]"
    renderer: "Renderer"
    ids: Ids
    orders: "Callable[[], OrderRules] | None" = None
    pages: "Mapping[str, Callable[[str], ASGIApp]]" = field(
        default_factory=dict[str, "Callable[[str], ASGIApp]"]
    )

    @property
    def name(self) -> str:
        """The dialect's name, as accounts and markets store it."""
        return self.dialect.name
