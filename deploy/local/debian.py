"""Programs that come from the system: installed on Debian as root, otherwise asked for with the exact command."""

import os
import shutil
import subprocess

from deploy.errors import Missing


def install(*packages: str, needed_for: str) -> None:
    """Installs Debian packages.

    Raises Missing with the command to type when this user or system cannot.
    """
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(f"{needed_for} needs {names}; run: sudo apt-get install --yes {names}")
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages],
    ):
        result = subprocess.run(
            command,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            last = (result.stderr.strip() or "no message").splitlines()[-1]
            raise Missing(f"{needed_for} needs {names}, but `{' '.join(command)}` failed: {last}")
