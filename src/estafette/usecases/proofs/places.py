"""Where the pictures of proofs are kept: by day, so that what a crash left is found by its day."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.store.proofs.table import FileOfProof

_ROOT: Final = "proofs"
_DIGEST_LETTERS: Final = 16
_ID: Final = "([0-9a-f]{32})"
_PLACE: Final = re.compile(
    rf"{_ROOT}/\d{{4}}-\d\d-\d\d/{_ID}/{_ID}/{_ID}-[0-9a-f]{{{_DIGEST_LETTERS}}}\.webp"
)


def place_of(scope: Scope, delivery_id: UUID, proof_id: UUID, sent_digest: bytes) -> str:
    """Returns the path of a picture that is written today.

    It has a part of the digest: another file under the same id never takes the place of the first.
    """
    day = folder_of(datetime.now(UTC).date())
    digest = sent_digest.hex()[:_DIGEST_LETTERS]
    return f"{day}/{scope.account_id.hex}/{delivery_id.hex}/{proof_id.hex}-{digest}.webp"


def folder_of(day: date) -> str:
    """Returns the folder of a day's pictures."""
    return f"{_ROOT}/{day.isoformat()}"


def read_places(paths: Sequence[str]) -> list[FileOfProof]:
    """Returns those of the paths that are of pictures of proofs, with the proofs that they name."""
    found = [(path, _PLACE.fullmatch(path)) for path in paths]
    return [
        FileOfProof(UUID(match[1]), UUID(match[2]), UUID(match[3]), path)
        for path, match in found
        if match
    ]
