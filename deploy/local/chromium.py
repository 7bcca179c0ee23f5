"""Chromium, which browser tests drive: found, installed where possible, or asked for."""

import shutil

from deploy.local import debian

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """Path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def ensure() -> str:
    """Path of a Chromium. Raises Missing with the command that installs it."""
    if find() is None:
        debian.install("chromium", needed_for="the browser tests")
    return find() or "chromium"
