"""What is said to people of each refusal, in their language."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from estafette.core.people import refusals
from estafette.core.people.person import (
    LONGEST_NAME,
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    FieldError,
)
from estafette.core.people.refusals import PeopleRefusal
from estafette.http.formats import span
from estafette.http.texts import N_, gettext

_FIELDS: Final[Mapping[str, str]] = {
    "email": N_("This is not an e-mail address such as name@example.com."),
    "name": N_("A name is one line of 1 to %(longest)s characters."),
    "language": N_("Choose one of the languages."),
}

_REFUSALS: Final[Mapping[type[PeopleRefusal], str]] = {
    refusals.SignInRefused: N_("This e-mail address and password do not sign anybody in."),
    refusals.SessionEnded: N_("Your session is over: sign in again."),
    refusals.CodeRefused: N_("This code is wrong, too old, or was used before."),
    refusals.PasskeyRefused: N_("The passkey was not accepted. Try again, or sign in another way."),
    refusals.SecondFactorRequired: N_("You have to keep a second factor: set another one first."),
    refusals.InvitationRefused: N_(
        "This link was used, withdrawn, or is over. Ask whoever sent it for another one."
    ),
    refusals.RoleUnknown: N_("There is no such role here."),
    refusals.PersonNotFound: N_("This person does not belong here any more."),
    refusals.OrganisationNotFound: N_("What the link is for does not exist any more."),
    refusals.NotFound: N_("It is gone already."),
}

_PASSWORDS: Final[Mapping[str, str]] = {
    "long": N_(
        "A password has %(shortest)s to %(longest)s characters. Several words with spaces between"
        " are easy to remember."
    ),
    "guess": N_("This password is easy to guess. Choose another."),
}


def said(error: PeopleRefusal | FieldError) -> str:
    """Returns the sentence for a refusal, in the reader's language."""
    if isinstance(error, FieldError):
        return _of_field(error)
    own = _OWN.get(type(error))
    if own is not None:
        return own(error)
    return gettext(_REFUSALS[type(error)])


def _of_field(error: FieldError) -> str:
    if error.field == "password":
        kind = "guess" if "guess" in error.reason else "long"
        return gettext(_PASSWORDS[kind], shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD)
    return gettext(_FIELDS[error.field], longest=LONGEST_NAME)


def _too_many_attempts(error: PeopleRefusal) -> str:
    seconds = error.retry_after if isinstance(error, refusals.TooManyAttempts) else 0
    return gettext(
        "Too many tries were wrong. Try again in %(time)s.", time=span(timedelta(seconds=seconds))
    )


def _of_another(error: PeopleRefusal) -> str:
    email = error.email if isinstance(error, refusals.InvitationOfAnother) else ""
    return gettext("The invitation is for %(email)s. Sign in as that person.", email=email)


def _taken(error: PeopleRefusal) -> str:
    email = error.email if isinstance(error, refusals.EmailTaken) else ""
    return gettext(
        "%(email)s is known here. Sign in first, then open the invitation again.", email=email
    )


def _already(error: PeopleRefusal) -> str:
    email = error.email if isinstance(error, refusals.AlreadyMember) else ""
    return gettext("%(email)s belongs here already.", email=email)


def _too_many(error: PeopleRefusal) -> str:
    limit = error.limit if isinstance(error, refusals.TooMany) else 0
    return gettext("There are %(limit)s already, which is the most.", limit=limit)


def _last(error: PeopleRefusal) -> str:
    return gettext("Nobody else here can do this work. Give somebody else this role first.")


_OWN: Final[Mapping[type[PeopleRefusal], Callable[[PeopleRefusal], str]]] = {
    refusals.TooManyAttempts: _too_many_attempts,
    refusals.InvitationOfAnother: _of_another,
    refusals.EmailTaken: _taken,
    refusals.AlreadyMember: _already,
    refusals.TooMany: _too_many,
    refusals.LastHead: _last,
}
