"""`estafette secret-key`: a new key for the secrets in the database, and their change to it."""

import sys
from typing import Annotated

from cyclopts import App, Parameter

from estafette.cli.output import FAILED, OK, misused, note, say, say_json, styled
from estafette.cli.session import on_platform, run, settings
from estafette.cli.words import AsJson
from estafette.usecases.accounts.secret_key import Rotation
from estafette.usecases.accounts.secret_key import rotate as rotate_all
from estafette.usecases.platform import Platform
from estafette.usecases.ready import accept_secret_key

app = App(name="secret-key", help="Print a new key; write all secrets anew under the present one.")


@app.default
def print_new(*, json: AsJson = False) -> int:
    """Print a new key for ESTAFETTE_SECRET_KEY."""
    from estafette.usecases.accounts.secrets import new_cipher_key

    key = new_cipher_key()
    if json:
        say_json({"secret_key": key})
    else:
        say(key)
    return OK


@app.command
def accept(
    *,
    yes: Annotated[bool, Parameter(negative="", help="Do it; else it is only explained.")] = False,
    json: AsJson = False,
) -> int:
    """Take ESTAFETTE_SECRET_KEY for the database's, although another one wrote its secrets.

    For when that other key is lost. What it wrote cannot be read any more: rotate the secret of
    every webhook endpoint, connect courier companies' platforms anew; PINs that wait are lost.
    """
    if not yes:
        raise misused(
            "what another key wrote can never be read again after this; --yes does it all the same"
        )
    was_another = run(settings(), accept_secret_key, fit=False)
    if json:
        say_json({"accepted": was_another})
    elif was_another:
        say("Accepted: now rotate the secret of every endpoint, `estafette webhooks rotate`")
    else:
        say("It is the database's already")
    return OK


@app.command
def rotate(*, json: AsJson = False) -> int:
    """Write every stored secret and PIN anew under ESTAFETTE_SECRET_KEY.

    Those that another key wrote are read with ESTAFETTE_OTHER_SECRET_KEYS. Servers and workers go
    on meanwhile; all of them must know both keys, and write with the new one. It may be ended and
    begun again; when it has nothing left to write, the old key can go.
    """
    is_seen = sys.stderr.isatty()

    def print_progress(rotation: Rotation) -> None:
        if is_seen:
            sys.stderr.write(f"\r{rotation.written} written anew")
            sys.stderr.flush()

    async def work(platform: Platform) -> tuple[Rotation, str]:
        return await rotate_all(platform, print_progress), platform.cipher.key_id

    done, key_id = on_platform(work)
    if is_seen:
        note("")
    if json:
        say_json(
            {
                "key": key_id,
                "endpoints": done.endpoints,
                "links": done.links,
                "pins": done.pins,
                "unreadable": done.unreadable,
            }
        )
    else:
        say(
            f"Written anew under the key {key_id}: the secrets of {done.endpoints} endpoints"
            f" and {done.links} links, {done.pins} PINs"
        )
        if done.unreadable:
            say(
                styled(f"{done.unreadable} can be read with none of the keys", "red")
                + ": name the one they were written with among ESTAFETTE_OTHER_SECRET_KEYS"
            )
        elif not done.written:
            say("All are under it: the other keys can be removed from the settings")
        else:
            say("Run it once more: when nothing is left to write, the other keys can go")
    return FAILED if done.unreadable else OK
