"""Texts that people wrote, made harmless for a terminal; and arguments that are no text at all."""

import os
from collections.abc import Sequence

_LINES_AND_TABS = "\n\t"
_PICTURES = (
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in _LINES_AND_TABS}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
)
"""Control characters, and what is shown in the place of each."""


def visible(text: str) -> str:
    """The text with a picture in the place of each control character that is no end of a line and no tab."""
    return text.translate(_PICTURES)


def not_utf8(arguments: Sequence[str]) -> str:
    """What to say of the first argument that is not UTF-8; empty when all are texts."""
    for number, argument in enumerate(arguments):
        try:
            argument.encode()
        except UnicodeEncodeError:
            option, _, value = argument.partition("=")
            name = f"argument {number + 1}"
            if option.startswith("--") and option.isascii():
                name, argument = option, value
            elif number and arguments[number - 1].startswith("-"):
                name = arguments[number - 1]
            shown = os.fsencode(argument).decode(errors="backslashreplace")
            return visible(f"{name}: '{shown}' is not UTF-8: write it in UTF-8, also names of files")
    return ""
