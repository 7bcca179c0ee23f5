"""Whether folders can change places by renaming: folders in, a refusal out."""

from pathlib import Path

import psutil

from warehouse.errors import RestoreRefused


def require_renamable(*folders: Path) -> None:
    """Raises RestoreRefused for a folder that is a link, or where a disk is mounted; one may be missing."""
    mounted = {Path(part.mountpoint) for part in psutil.disk_partitions(all=True)}
    for folder in folders:
        if folder.is_symlink() or folder in mounted:
            what = "a link" if folder.is_symlink() else "a disk of its own"
            raise RestoreRefused(
                f"{folder} is {what}, and a restore renames the folder of the data: make it a folder of "
                f"{folder.parent}, or have all of that on the other disk, and repeat it"
            )
