"""Skills: what not every driver can do or has along, in the words of companies and merchants.

A company names those of its drivers, a merchant those that a delivery demands. Two names are one
skill where they differ in capital letters and spaces alone.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

MOST_SKILLS: Final = 20
"""How many skills a driver has, or a delivery demands, at most."""

LONGEST_SKILL: Final = 40
"""How long the name of a skill may be, in characters."""


def skill_key(name: str) -> str:
    """Returns by what a skill is known, however its name is written."""
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def keys_of(names: Iterable[str]) -> frozenset[str]:
    """Returns by what some skills are known."""
    return frozenset(map(skill_key, names))


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Returns each skill once, as it was first written."""
    kept: dict[str, str] = {}
    for name in names:
        kept.setdefault(skill_key(name), name)
    return tuple(kept.values())


def lacking(demanded: Sequence[str], had: Iterable[str]) -> tuple[str, ...]:
    """Returns the demanded skills that are not among those that somebody has."""
    if not demanded:
        return ()
    keys = keys_of(had)
    return tuple(name for name in demanded if skill_key(name) not in keys)


def read_skills(names: Sequence[str]) -> tuple[str, ...]:
    """Returns names as they are kept: each on one line, and once, as it was first written.

    Raises ValueError for a name that is none, and for too many of them; it says what they may be.
    """
    kept = unique(" ".join(name.split()) for name in names)
    if len(kept) > MOST_SKILLS:
        raise ValueError(f"there are at most {MOST_SKILLS} skills")
    if not all(1 <= len(name) <= LONGEST_SKILL and name.isprintable() for name in kept):
        raise ValueError(f"a skill is one line of 1 to {LONGEST_SKILL} characters")
    return kept


def fault_of(value: Any) -> str | None:
    """Returns why a decoded list of skills is wrong, after its field's name; None: it is good."""
    if not isinstance(value, list) or len(cast("list[Any]", value)) > MOST_SKILLS:
        return f"must be a list of at most {MOST_SKILLS} skills"
    names = cast("list[Any]", value)
    if not all(isinstance(name, str) and len(name) <= LONGEST_SKILL for name in names):
        return f"must hold texts of at most {LONGEST_SKILL} characters"
    try:
        read_skills(names)
    except ValueError:
        return f"must hold names of 1 to {LONGEST_SKILL} characters on one line"
    return None
