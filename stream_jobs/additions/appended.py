"""Whether a file of additions was only appended to: two versions of its text in, every edited item out."""

from typing import Any

import yaml


def edits(older: str, newer: str) -> list[str]:
    """A sentence for each item of the older version that the newer one changed, moved or dropped.

    Comments and spacing may change: what counts is what the items say. Both texts are valid files.
    """
    before, after = _content(older), _content(newer)
    found = [] if before["provider"] == after["provider"] else [f"the provider {before['provider']!r} was renamed"]
    items = after["additions"]
    for number, item in enumerate(before["additions"], start=1):
        if number > len(items):
            found.append(f"item {number} ({item['name']}) was dropped; end it by a new item with a date instead")
        elif items[number - 1] != item:
            found.append(f"item {number} ({item['name']}) was edited; restore it and append a new item with a date")
    return found


def _content(text: str) -> Any:
    return yaml.load(text, Loader=yaml.BaseLoader)
