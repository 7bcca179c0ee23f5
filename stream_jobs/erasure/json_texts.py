r"""How JSON may write a text: the text in, quoted forms with \uXXXX out."""

import json
import re
from typing import Final

_ESCAPES: Final = re.compile(r"\\(?:u(?P<digits>[0-9a-f]{4})|.)")


def written_in_json(text: str) -> list[str]:
    r"""Forms with everything beyond ASCII as \uXXXX, in small and in large digits; none where nothing is beyond.

    Each also with escaped slashes, as some languages write them.
    """
    small = json.dumps(text)
    if text.isascii() and text.isprintable():
        return []
    large = _ESCAPES.sub(lambda found: rf"\u{found['digits'].upper()}" if found["digits"] else found[0], small)
    return list(dict.fromkeys(form for each in (small, large) for form in (each, each.replace("/", r"\/"))))
