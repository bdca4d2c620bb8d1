"""The role folders of a MedSP1000 scenario: which folder is whose, and the text of its files in one of two modes.

The rule: ``compat`` gives, byte for byte, the text that the original engine put before its models; ``clean`` takes away what only damages
it: struck-out passages, control codes, HTML entities, translated twins. Neither reads outside the scenario's folder, but for the store that
the hub's downloads are linked to.
"""

from __future__ import annotations

import hashlib
import html
import mimetypes
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

Mode = Literal["compat", "clean"]
Role = Literal["examinee", "sp_actor", "environment_controller", "evaluator"]
ROLES: tuple[Role, ...] = ("examinee", "sp_actor", "environment_controller", "evaluator")
MAX_BYTES = 4_000_000

_NAMES: dict[Role, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "examinee": (("\u53d7\u8bd5\u8005", "examinee"), ("\u53d7\u8bd5\u8005\u6750\u6599",)),
    "sp_actor": (("SP", "sp"), ("SP\u6750\u6599", "SP\u89d2\u8272", "SP\u626e\u6f14\u8005", "sp_actor")),
    "environment_controller": (
        ("\u73af\u5883\u63a7\u5236", "environment"),
        ("\u73af\u5883\u63a7\u5236\u8005", "\u73af\u5883\u63a7\u5236\u6750\u6599", "environment_controller"),
    ),
    "evaluator": (("\u8bc4\u4f30\u8005", "evaluator"), ("\u8bc4\u4f30\u8005\u8d44\u6599", "\u8bc4\u5206\u6807\u51c6")),
}
"""Names a role's folder may have, the better ones first."""
_SUFFIXES = {"", ".md", ".markdown", ".txt", ".json", ".yaml", ".yml", ".csv", ".html", ".xml"}
_BETWEEN = re.compile(r"[\s_\-()\[\]{}<>/\\|,:：;；，。·]+")
_NOISE = re.compile("\u6750\u6599|\u8d44\u6599|\u89d2\u8272")
_STRUCK = re.compile(r"~~.*?~~", re.S)
_EMPTY_MARK = re.compile(r"#{1,6}|[-*+]|\d+\.")


class Document(NamedTuple):
    """A text of a role: the path inside the role's folder, and the text in the chosen mode."""

    name: str
    text: str
    sha256: str = ""
    """Of the file as it stands."""
    size: int = 0
    """Bytes of the file."""


class Attachment(NamedTuple):
    """A file that is no text."""

    role: str
    name: str
    mime: str
    sha256: str
    size: int


class Material(NamedTuple):
    """What the folder of one role holds; problems are ``kind:where``."""

    documents: tuple[Document, ...]
    attachments: tuple[Attachment, ...]
    problems: tuple[str, ...]


def folders(scenario: Path) -> tuple[dict[Role, Path], list[str]]:
    """Find the folder of each role, by its name or by a name near to it; the best name wins."""
    found: dict[Role, Path] = {}
    problems: list[str] = []
    children = sorted(child for child in scenario.iterdir() if child.is_dir() and not child.is_symlink() and not child.name.startswith("."))
    for role in ROLES:
        ranked = sorted(
            (-_fit(role, child.name), len(child.name), child.name.casefold(), child) for child in children if _fit(role, child.name)
        )
        if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
            problems.append(f"several_folders:{role}")
        if ranked:
            found[role] = ranked[0][3]
    return found, problems


def material(role: str, folder: Path, *, mode: Mode, keep_zh: bool = False) -> Material:
    """Read the files of a role in the order of their paths."""
    documents: list[Document] = []
    attachments: list[Attachment] = []
    problems: list[str] = []
    paths = list(_files(folder, mode))
    stems = {path.with_suffix("") for path in paths}
    for path in paths:
        name = path.relative_to(folder).as_posix()
        twin = path.stem.endswith("-zh") and path.with_name(path.stem.removesuffix("-zh")) in stems
        if twin and mode == "clean" and not keep_zh:
            problems.append(f"translated_twin:{role}/{name}")
            continue
        link = path.is_symlink() and not _downloaded(path)
        if link or path.stat().st_size > MAX_BYTES:
            problems.append(f"{'link' if link else 'too_large'}:{role}/{name}")
            continue
        try:
            data = path.read_bytes()
        except OSError as error:
            problems.append(f"unreadable:{role}/{name} ({error.strerror})")
            continue
        digest = hashlib.sha256(data).hexdigest()
        if path.suffix.lower() not in _SUFFIXES:
            attachments.append(Attachment(role, name, mimetypes.guess_type(path.name)[0] or "application/octet-stream", digest, len(data)))
            continue
        text, how = decoded(data, mode)
        if how:
            problems.append(f"{how}:{role}/{name}")
        if text is None:
            continue
        if not text.strip():
            problems.append(f"{'zero_bytes' if not data else 'empty_file'}:{role}/{name}")
        documents.append(Document(name, compat(text) if mode == "compat" else clean(text), digest, len(data)))
    return Material(tuple(documents), tuple(attachments), tuple(problems))


def compiled(documents: Sequence[Document]) -> str:
    """Join the texts of a role as the original engine does: each under its file's name."""
    return "\n".join(f"## {document.name.rsplit('/', 1)[-1]}\n\n{document.text}\n" for document in documents).strip()


def decoded(data: bytes, mode: Mode) -> tuple[str | None, str]:
    """Decode a file and say how, where not as UTF-8; None where it cannot be. Only ``clean`` takes Windows text for what it is."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        if mode == "compat" or b"\x00" in data:
            return None, "decode_error"
        try:
            return data.decode("cp1252").replace("\r\n", "\n").replace("\r", "\n"), "decoded_as_cp1252"
        except UnicodeDecodeError:
            return None, "decode_error"
    return text.replace("\r\n", "\n").replace("\r", "\n"), ""


def compat(text: str) -> str:
    """Take away struck-out passages, marks that nothing follows, and doubled blank lines, as the original engine does."""
    kept: list[str] = []
    gap = False
    for line in _STRUCK.sub("", text.strip()).splitlines():
        bare = line.strip()
        if not bare:
            gap = gap or bool(kept)
        elif not _EMPTY_MARK.fullmatch(bare):
            kept += [""] if gap else []
            kept.append(line.rstrip())
            gap = False
    return "\n".join(kept).strip()


def clean(text: str) -> str:
    """The same, composed (NFC), without byte-order mark, control codes and HTML entities."""
    text = html.unescape(text.removeprefix("\ufeff"))
    text = "".join(ch for ch in text if ch in "\n\t" or unicodedata.category(ch) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    return compat(unicodedata.normalize("NFC", text))


def _files(folder: Path, mode: Mode) -> Iterator[Path]:
    left_out = {"__MACOSX", "runs"} if mode == "clean" else set()
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") or part in left_out for part in parts):
            yield path


def _downloaded(path: Path) -> bool:
    """Whether a link is one of the hub's own cache: from ``snapshots/REVISION/…`` to a file in ``blobs`` beside it."""
    top = next((above for above in path.absolute().parents if above.name == "snapshots"), None)
    return top is not None and path.resolve().parent == (top.parent / "blobs").resolve()


def _fit(role: Role, name: str) -> int:
    aliases, variants = _NAMES[role]
    if name in aliases:
        return 400
    if name in variants:
        return 300
    return 200 if _bare(name) in map(_bare, aliases) else 100 if _bare(name) in map(_bare, variants) else 0


def _bare(name: str) -> str:
    return _NOISE.sub("", _BETWEEN.sub("", name).casefold())
