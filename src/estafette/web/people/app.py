"""The pages of people themselves."""

from typing import Final

from estafette.core.people.permission import PersonAct
from estafette.web.people import (
    invitation,
    passkeys,
    profile,
    security,
    sessions,
    signing_in,
    single,
)
from estafette.web.visit import Access, Page, page

BOTH: Final = ("GET", "POST")

ROUTES: Final[tuple[Page, ...]] = (
    page("/sign-in", Access.ANYBODY, signing_in.show, BOTH),
    page("/sign-in/code", Access.WHO_SIGNS_IN, signing_in.show_code, BOTH),
    page("/sign-in/forgotten", Access.ANYBODY, signing_in.forgotten, BOTH),
    page("/sign-in/passkey", Access.ANYBODY, passkeys.sign_in, ("POST",)),
    page("/sign-in/single", Access.ANYBODY, single.go),
    page("/sign-in/single/back", Access.ANYBODY, single.come_back),
    page("/sign-out", Access.ANYBODY, signing_in.sign_out, ("POST",)),
    page("/invitation/{token}", Access.ANYBODY, invitation.show, BOTH),
    page("/me", PersonAct.PROFILE_MANAGE, profile.show, BOTH),
    page("/me/security", PersonAct.PROFILE_MANAGE, security.show),
    page("/me/security/password", PersonAct.PROFILE_MANAGE, security.password, BOTH),
    page("/me/security/app", PersonAct.PROFILE_MANAGE, security.app, BOTH),
    page("/me/security/app/remove", PersonAct.PROFILE_MANAGE, security.remove_app, BOTH),
    page("/me/security/codes", PersonAct.PROFILE_MANAGE, security.codes, BOTH),
    page("/me/security/passkeys", PersonAct.PROFILE_MANAGE, passkeys.add, BOTH),
    page("/me/security/passkeys/{passkey}", PersonAct.PROFILE_MANAGE, passkeys.remove, BOTH),
    page("/me/sessions/end", PersonAct.PROFILE_MANAGE, sessions.end, ("POST",)),
    page("/me/sessions/end-others", PersonAct.PROFILE_MANAGE, sessions.end_others, ("POST",)),
)
