"""Programs of the operator: what their keys may do, of the acts that the platform's people have."""

from collections.abc import Mapping

from estafette.core.accounts.acts import ScopeError
from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.permission import ROLES, TABLE, PersonAct

EVERY = frozenset(
    act
    for act in PersonAct
    if TABLE[act][OrganisationKind.PLATFORM] and act is not PersonAct.PROFILE_MANAGE
)
"""All acts that the operator has, but those on a person's own profile."""

PRESETS: Mapping[str, frozenset[PersonAct]] = {
    "full": EVERY,
    "read-only": frozenset(act for act in EVERY if act.endswith(".see")),
    **{
        role.value: frozenset(act for act in EVERY if role in TABLE[act][OrganisationKind.PLATFORM])
        for role in ROLES[OrganisationKind.PLATFORM]
        if role.value != "owner"  # who may what `full` may
    },
}
"""Choices of acts that have a name: those of a role of the platform's people among them."""


def read_scope(text: str) -> frozenset[PersonAct]:
    """Returns the acts in a text: a preset, or acts with commas between. Raises ScopeError."""
    named = [part.strip().lower() for part in text.split(",") if part.strip()]
    if len(named) == 1 and named[0] in PRESETS:
        return PRESETS[named[0]]
    if not named or not set(named) <= set(EVERY):
        raise ScopeError(
            f"{text!r} is no scope: name one of {', '.join(PRESETS)},"
            f" or some of {', '.join(sorted(EVERY))} with commas between"
        )
    return frozenset(map(PersonAct, named))


def scope_text(acts: frozenset[PersonAct]) -> str:
    """Returns the acts as a person names them."""
    for name, preset in PRESETS.items():
        if acts == preset:
            return name
    return ",".join(sorted(acts)) or "nothing"
