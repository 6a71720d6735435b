"""Text that others wrote, on its way to a terminal: what would steer it is shown and not obeyed.

What commands, logs and `up` print takes its way through here. No I/O.
"""

import unicodedata
from typing import Final

_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Escapes, changes of direction, ends of lines; halves of characters, which no stream can write."""


def steers(character: str) -> bool:
    """Returns whether a terminal may take the character for more than something to be shown."""
    return unicodedata.category(character) in _STEERING


def plain(text: str) -> str:
    """Returns the text on one line, with a mark in the place of each character that would steer."""
    if text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if steers(each) else each for each in text)


def plain_lines(text: str) -> str:
    """Returns the same for each line of a text, whose ends stay."""
    return "\n".join(map(plain, text.split("\n")))


def escaped(line: str) -> str:
    """Returns a line of JSON, the same value, with an escape in the place of what would steer."""
    if line.isprintable():
        return line
    return "".join(_code(each) if steers(each) else each for each in line)


def _code(character: str) -> str:
    """A character as JSON may write it; beyond sixteen bits as the pair that JSON asks for."""
    pair = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pair[at : at + 4]}" for at in range(0, len(pair), 4))
