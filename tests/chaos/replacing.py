"""Puts something in the place of a part of the worker; a test tool."""

from typing import Any


def replace(owner: Any, name: str, other: object) -> None:
    """Puts `other` in the place of an attribute that exists. Raises AttributeError when it does not."""
    getattr(owner, name)
    setattr(owner, name, other)
