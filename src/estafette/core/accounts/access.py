"""Whether a key may do what its holder asks for, from where they ask."""

from estafette.core.accounts.account import Credential
from estafette.core.accounts.acts import ACT_OF, Act, Operation, is_within
from estafette.core.errors import ActRefused, AddressRefused, Refusal


def refusal(credential: Credential, operation: Operation, address: str | None) -> Refusal | None:
    """Returns why a key may not do this, or None; `address` is the client's, if it is known."""
    if credential.networks and not is_within(credential.networks, address):
        return AddressRefused(address)
    act = ACT_OF[operation]
    if act not in credential.acts:
        return ActRefused(act, tuple(each for each in Act if each in credential.acts))
    return None
