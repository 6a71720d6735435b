"""What an exception means to the person at the terminal."""

import errno
import socket

import asyncpg
from asyncpg.exceptions import TargetServerAttributeNotMatched
from cyclopts import CycloptsError

from estafette.cli.output import FAILED, MISUSED, CommandError, fail
from estafette.core.accounts.key_rules import KeyNotFoundError, KeyRefusedError
from estafette.core.deliveries.delivery import Status
from estafette.core.errors import (
    DeliveryNotFound,
    EndpointMissing,
    HistoryFull,
    LeavingExcluded,
    NotHeld,
    PaymentNotAwaited,
    PinLocked,
    PinWrong,
    ProofsMissing,
    Refusal,
    TransitionRefused,
)
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.money.cash import CashRefusal
from estafette.core.people.person import FieldError
from estafette.core.people.refusals import PeopleRefusal
from estafette.settings.problems import SettingsError
from estafette.up.postgres import EmbeddedPostgresError
from estafette.usecases.accounts.administration import (
    AccountHasWorkedError,
    AccountNotFoundError,
    AccountRefusedError,
)
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.couriers.carriers import CarriersRefusedError
from estafette.usecases.couriers.companies import CompanyNotFoundError, CompanyRefusedError
from estafette.usecases.couriers.links import LinkRefusedError
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.money.settle import PaymentRefusedError
from estafette.usecases.ready import NotReadyError

_REFUSED = (
    AccountNotFoundError,
    AccountRefusedError,
    KeyRefusedError,
    CompanyNotFoundError,
    CompanyRefusedError,
    LinkRefusedError,
    PaymentRefusedError,
    CashRefusal,
    FleetRefusal,
    PeopleRefusal,
    FieldError,
    CarriersRefusedError,
)


def explain(error: Exception, *, as_json: bool) -> int:
    """Prints what went wrong and returns the exit code; raises what no person can have caused."""
    if isinstance(error, CommandError):
        return fail(str(error), error.code, error.exit_code, as_json=as_json)
    if isinstance(error, CycloptsError):
        return fail(_one_line(str(error)), "usage", MISUSED, as_json=as_json)
    if isinstance(error, CursorUnknownError):
        return fail("--after must be the `next` of a page", "usage", MISUSED, as_json=as_json)
    if isinstance(error, SettingsError):
        return fail(_settings(error), "settings", MISUSED, as_json=as_json)
    if isinstance(error, WrongSecretKeyError):
        return fail(str(error), "settings", MISUSED, as_json=as_json)
    if isinstance(error, _REFUSED):
        return fail(f"{error}{_advice(error)}", "refused", FAILED, as_json=as_json)
    if isinstance(error, Refusal):
        return fail(_refusal(error), "refused", FAILED, as_json=as_json)
    if isinstance(error, EmbeddedPostgresError | NotReadyError):
        return fail(str(error), "not_ready", FAILED, as_json=as_json)
    if isinstance(error, OSError) and (error.filename is not None or error.errno in _OF_MACHINE):
        return fail(_of_machine(error), "system", FAILED, as_json=as_json)
    if database := explain_database(error):
        return fail(database, "database", FAILED, as_json=as_json)
    raise error


def _advice(error: Exception) -> str:
    """What to do about a refusal at a shell, behind what the refusal says; "" for nothing."""
    match error:
        case AccountNotFoundError():
            return "; `estafette accounts list` shows them all"
        case AccountHasWorkedError():
            return f": `estafette accounts disable {error.name}` has its keys open nothing"
        case CompanyNotFoundError():
            name = ": name it, --account NAME" if error.of_accounts else ""
            return f"{name}; `estafette couriers list` shows them all"
        case KeyNotFoundError(account=None):
            return "; `estafette operator-keys list` shows them"
        case KeyNotFoundError():
            return f"; `estafette keys list --account {error.account}` shows them"
        case _:
            return ""


def _settings(error: SettingsError) -> str:
    if len(error.problems) == 1:
        return f"wrong setting {error}"
    return "wrong settings:\n" + "\n".join(f"  {problem}" for problem in error.problems)


def _refusal(error: Refusal) -> str:
    if isinstance(error, DeliveryNotFound):
        return "there is no such delivery; `estafette deliveries list --account NAME` shows some"
    if isinstance(error, TransitionRefused) and error.status is Status.AWAITING_PAYMENT:
        return (
            f"it cannot become {error.to} before what it awaits is confirmed:"
            " `estafette payments confirm`, or `estafette deliveries confirm` where it is held"
        )
    if isinstance(error, TransitionRefused):
        return f"a delivery that is {error.status} cannot become {error.to}"
    if isinstance(error, PaymentNotAwaited) and error.status is Status.AWAITING_PAYMENT:
        return "it is held, not unpaid: `estafette deliveries confirm` lets it go on"
    if isinstance(error, HistoryFull):
        return (
            f"it has had {error.limit} events and can only go on to its end,"
            f" not from {error.status} to {error.to}"
        )
    if isinstance(error, PaymentNotAwaited):
        return (
            f"no payment is awaited for it: it is {error.status};"
            " `estafette payments list` shows those that wait for one"
        )
    if isinstance(error, NotHeld):
        return (
            f"it waits for no confirmation: it is {error.status};"
            " `estafette deliveries list --account NAME --held` shows those that do"
        )
    if isinstance(error, PinWrong):
        return f"that is not the recipient's PIN; tries left: {error.tries_left}"
    if isinstance(error, PinLocked):
        return (
            "too many wrong PINs were tried; let it be tried anew with"
            " `estafette deliveries unlock-pin DELIVERY`"
        )
    if isinstance(error, ProofsMissing):
        return f"proof is missing at the {error.stage}: {', '.join(error.kinds)}"
    if isinstance(error, LeavingExcluded):
        return f"a parcel is not left at the door with {error.because}: somebody has to take it"
    if isinstance(error, EndpointMissing):
        return (
            f"there is no endpoint {error.endpoint!r} with a URL;"
            " set one with `estafette webhooks set --account NAME --url URL`"
        )
    return str(error) or type(error).__name__


def explain_database(error: Exception) -> str | None:
    """What a failure of the connection means; None when it is something else."""
    if isinstance(
        error,
        asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError | asyncpg.UndefinedFunctionError,
    ):
        return "the database is not migrated; run `estafette migrate`"
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"the database refuses the user or password of DATABASE_URL ({error})"
    if isinstance(error, asyncpg.ClientConfigurationError):  # whose text may quote a parameter
        return "DATABASE_URL cannot be used; check its host, port and parameters"
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f"{error}; create it, or correct DATABASE_URL"
    if isinstance(error, TargetServerAttributeNotMatched | asyncpg.ReadOnlySQLTransactionError):
        return "the database can only be read; name the primary in DATABASE_URL"
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return f"the database does not let its user do that ({_first_line(error)}); grant it"
    if isinstance(error, asyncpg.DataError):
        return "the database cannot keep a value that was given; write a smaller one"
    if isinstance(error, asyncpg.PostgresError) and isinstance(error, _PASSING):
        return f"the database cannot do it now ({_first_line(error)}); try again"
    if isinstance(error, socket.gaierror):
        return f"the host of DATABASE_URL is not known ({error.strerror}); correct it, or the DNS"
    if isinstance(error, ConnectionError | TimeoutError | asyncpg.CannotConnectNowError):
        return f"the database cannot be reached ({error or type(error).__name__}); is it running?"
    if isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        reason = getattr(error, "strerror", None) or error
        return f"the database cannot be reached ({reason}); is it running?"
    return None


_PASSING = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.PostgresSystemError,
)

_OF_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC)
"""What the operating system refuses whatever it was asked for."""


def _of_machine(error: OSError) -> str:
    what = error.strerror or type(error).__name__
    return what if error.filename is None else f"{error.filename}: {what}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _one_line(text: str) -> str:
    return " ".join(text.split())
