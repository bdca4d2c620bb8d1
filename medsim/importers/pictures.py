"""Pictures of one's own beside a data set that holds only their addresses.

The rule: a file belongs to a case by the id in its address (``…?id=IC20240111…`` -> ``IC20240111.jpg``) and by nothing else. In a pack it
carries a part of its hash in its name, so that another picture makes another case. Nothing is ever fetched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from medsim.errors import CaseError
from medsim.llm import image

_ID = re.compile(r"[?&]id=([A-Za-z0-9_.-]{1,80})")
_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}


class Pictures:
    """The files of a folder that belong to addresses; none without a folder."""

    def __init__(self, folder: Path | None, addresses: Iterable[object]) -> None:
        self.given = folder is not None
        self.files: dict[str, Path] = {}
        """Name in the pack -> file of one's own."""
        self._names: dict[str, str] = {}
        if folder is not None:
            self._fill(Path(folder), {name for address in addresses if (name := identity(address))})

    def of(self, address: object) -> str:
        """The name in the pack of the picture at an address; empty where there is no file for it."""
        return self._names.get(identity(address), "")

    def _fill(self, folder: Path, wanted: set[str]) -> None:
        try:
            held = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.stem.lower() in wanted)
        except OSError as error:
            raise CaseError(f"The folder of pictures '{folder}' cannot be read ({error.strerror}). Give a folder with --images.") from error
        if not held:
            example = min(wanted).upper() if wanted else "IC20240111"
            fewer = f"none of {len(wanted)} pictures of this set" if wanted else "this set has no pictures; none"
            raise CaseError(f"'{folder}': {fewer} is in it. A file named by the id in the address was expected, e.g. {example}.jpg.")
        for path in held:
            self._add(path)

    def _add(self, path: Path) -> None:
        data, name = image.read(path), path.stem.lower()
        if name in self._names:
            raise CaseError(f"{path.parent}: two files are named '{path.stem}'. Keep one of them.")
        ending = image.kind(data).replace("jpeg", "jpg")
        self._names[name] = f"images/{path.stem}-{hashlib.sha256(data).hexdigest()[:8]}.{ending}"
        self.files[self._names[name]] = path


def identity(address: object) -> str:
    """The id in an address, in lower case; empty where there is none."""
    found = _ID.search(address) if isinstance(address, str) else None
    return found[1].lower() if found else ""
