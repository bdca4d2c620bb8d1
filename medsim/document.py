"""Read YAML from strangers: plain data only, every value with its line.

The rule: nothing here can run code, follow a reference or grow beyond the file. Anchors, aliases, tags and duplicate keys are
refused, and so are the words that YAML 1.1 silently turns into booleans (``on``, ``off``, ``yes``, ``no``).
"""

from __future__ import annotations

import math
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from medsim.errors import CaseError

MAX_BYTES = 2_000_000
MAX_DEPTH = 24
TRAPS = {"on", "off", "yes", "no"}

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
"""Control codes, direction overrides and invisible characters: they can come out of an escape in a quoted text."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Path_ = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(slots=True)
class Document:
    """A parsed YAML file: its data, and the (line, column) at which each value begins."""

    data: Any
    source: str
    marks: dict[Path_, tuple[int, int]] = field(default_factory=dict)

    def where(self, path: Path_) -> str:
        """Return ``file:line:column`` of the deepest known part of a path."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.marks:
                line, column = self.marks[path[:end]]
                return f"{self.source}:{line}:{column}"
        return self.source


def read(path: Path, *, limit: int = MAX_BYTES) -> Document:
    """Read and parse one YAML file; raise CaseError with file, line and column where it cannot be accepted."""
    raw = _bytes(path, limit)
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        raise CaseError(
            f"{path}:{_at(before, len(before))}: byte 0x{raw[error.start]:02X} is not UTF-8. Save the file as UTF-8."
        ) from error
    return parse(text, str(path))


def _bytes(path: Path, limit: int) -> bytes:
    """Read a file that is one: a pipe or a device would never end."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise CaseError(f"{path}: cannot be read (a folder, pipe or device). A YAML file was expected.")
        if found.st_size > limit:
            raise CaseError(
                f"{path}: the file has {found.st_size:,} bytes; at most {limit:,} are read. Split it or remove what is not content."
            )
        with path.open("rb") as opened:
            return opened.read(limit)
    except OSError as error:
        raise CaseError(f"{path}: cannot be read ({error.strerror}).") from error


def _at(text: str, index: int) -> str:
    """The ``line:column`` of a place in a text."""
    return f"{text.count(chr(10), 0, index) + 1}:{index - text.rfind(chr(10), 0, index)}"


def parse(text: str, source: str = "<text>") -> Document:
    """Parse one YAML document of plain data."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise CaseError(f"{source}: the text is longer than {MAX_BYTES:,} bytes.")
    _refuse_references(text, source)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise CaseError(_syntax(error, source)) from error
    if node is None:
        raise CaseError(f"{source}:1:1: the file is empty; a YAML mapping was expected.")
    document = Document(None, source)
    document.data = _build(node, (), document)
    return document


def validate(document: Document, model: type[Model]) -> Model:
    """Validate a document against a model; every fault is listed with its line."""
    if not isinstance(document.data, dict):
        raise CaseError(f"{document.where(())}: a mapping was expected, found {_kind(document.data)}.")
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise CaseError("\n".join(faults(error, document))) from error


def faults(error: ValidationError, document: Document) -> list[str]:
    """Return one readable line for each fault pydantic found."""
    lines: list[str] = []
    for fault in error.errors(include_url=False):
        path = tuple(part for part in fault["loc"] if isinstance(part, (str, int)))
        known = [part for i, part in enumerate(path) if path[: i + 1] in document.marks]
        name = ".".join(str(part) for part in (known or path)) or "the document"
        missing = fault["type"] == "missing"
        message = f"'{path[-1]}' is missing" if missing and path else _message(fault)
        unknown = re.match(r"unknown key '([^']*)'", message)
        lines.append(f"{document.where((*path, unknown[1]) if unknown else path)}: {name}: {message}")
    return list(dict.fromkeys(lines))


def _message(fault: Any) -> str:
    text = str(fault["msg"]).removeprefix("Value error, ")
    given = fault.get("input")
    if fault["type"] == "value_error" or isinstance(given, (dict, list)):
        return text
    return f"{text}, given {given!r}"[:400]


def _refuse_references(text: str, source: str) -> None:
    """Refuse anchors, aliases, tags and control codes before anything is built."""
    bad = _CONTROL.search(text)
    if bad:
        raise CaseError(f"{source}:{_at(text, bad.start())}: control character U+{ord(bad.group()):04X}; remove it.")
    depth = 0
    try:
        events: Any = yaml.parse(text, Loader=_Loader)
        for event in events:
            at = f"{source}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
            if isinstance(event, yaml.AliasEvent):
                raise CaseError(f"{at}: alias '*{event.anchor}' is not allowed; write the value out.")
            if getattr(event, "anchor", None):
                raise CaseError(f"{at}: anchor '&{event.anchor}' is not allowed; write the value out where it is needed.")
            if getattr(event, "tag", None):
                raise CaseError(f"{at}: tag '{event.tag}' is not allowed; write plain text, numbers, lists and mappings.")
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                depth += 1
                if depth > MAX_DEPTH:
                    raise CaseError(f"{at}: nested deeper than {MAX_DEPTH} levels.")
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                depth -= 1
    except yaml.YAMLError as error:
        raise CaseError(_syntax(error, source)) from error


def _syntax(error: yaml.YAMLError, source: str) -> str:
    mark = getattr(error, "problem_mark", None)
    at = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
    problem = str(getattr(error, "problem", None) or error)
    begun = getattr(error, "context_mark", None)
    what = str(getattr(error, "context", None) or "")
    since = f" ({what}, begun at line {begun.line + 1})" if begun and mark and what and begun.line != mark.line else ""
    advice = next(
        (said for sign, said in _ADVICE.items() if sign in problem), "Quote text that holds ':' or '#', and indent by two spaces."
    )
    return f"{at}: not valid YAML: {problem}{since}. {advice}"


_ADVICE = {
    "another document": "A file holds one document: remove the line '---' and what follows.",
    "cannot start any token": "Indent with spaces, not tabs, and quote text that begins with @, %, ` or a tab.",
    "end of stream": "Something was opened and not closed: look for a missing quote or bracket.",
    "',' or ']'": "Close the list with ']'.",
    "',' or '}'": "Close the mapping with '}'.",
}
"""What the parser says -> what to do about it."""


def _build(node: yaml.Node, path: Path_, document: Document) -> Any:
    document.marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, i), document) for i, child in enumerate(node.value)]
    return _mapping(node, path, document)


def _mapping(node: yaml.Node, path: Path_, document: Document) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        at = f"{document.source}:{key_node.start_mark.line + 1}:{key_node.start_mark.column + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise CaseError(f"{at}: a key must be plain text.")
        key = str(key_node.value)
        if not key_node.style and key.lower() in TRAPS:
            raise CaseError(f"{at}: key '{key}' reads as true or false in YAML; use another word (for a reaction write 'did').")
        if key in built:
            raise CaseError(f"{at}: key '{key}' stands twice in this mapping; keep one.")
        built[key] = _build(value_node, (*path, key), document)
    return built


def _scalar(node: yaml.ScalarNode, path: Path_, document: Document) -> Any:
    text = str(node.value)
    hidden = _HIDDEN.search(text)
    if hidden:
        raise CaseError(f"{document.where(path)}: hidden character U+{ord(hidden.group()):04X} in a text; remove it.")
    if node.style:
        return text
    if text.lower() in TRAPS:
        raise CaseError(f"{document.where(path)}: '{text}' reads as true or false in YAML; write true, false, or quote it: \"{text}\".")
    value = _read_plain(text)
    if isinstance(value, float) and not math.isfinite(value):
        raise CaseError(f"{document.where(path)}: the number '{text}' is too large.")
    return value


def _read_plain(text: str) -> Any:
    """Read an unquoted scalar: null, true, false, a number, or text."""
    low = text.lower()
    if low in {"", "~", "null"}:
        return None
    if low in {"true", "false"}:
        return low == "true"
    if _INT.match(text) and len(text) < 16:
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    return "text" if isinstance(value, str) else "nothing" if value is None else type(value).__name__


class _Dumper(yaml.SafeDumper):
    """Quotes every text that would be read back as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write values out; anchors are not read back."""
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = (
        '"'
        if text.lower() in TRAPS or _read_plain(text) != text
        else "|"
        if "\n" in text and text.replace("\n", "").isprintable()
        else None
    )
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _quoted)


def dump(data: Any) -> str:
    """Write plain data as YAML that ``parse`` reads back equal."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))
