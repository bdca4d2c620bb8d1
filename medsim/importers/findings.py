"""Examination findings and test results as actions of a case.

The rule: every leaf comes back word for word under exactly one action that its own name reaches; what says that nothing is known
yet (pending, not done, "would show") is no result. A heading over several tests answers with all of them and names what it covers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from medsim.case.body import CaseAction, Result
from medsim.importers.names import Kind, analyte_of, forms, generic, known, plain, resolve, slug
from medsim.importers.text import MAX_LEAVES, Leaf, is_cut, label, leaves, sentences
from medsim.vocabulary import analytes, normal_form

MAX_ACTIONS = 120
MAX_SYNONYMS = 40

_PENDING = re.compile(
    r"\bpending\b|\bnot (?:\w+ )?(?:done|performed|specified|provided|indicated|mentioned|available|applicable|obtained|"
    r"ordered|conducted|given|"
    r"documented|recorded|tested|assessed|measured|necessary|required|completed|included|stated|disclosed|detailed)\b|\bno "
    r"data\b|\btbd\b|"
    r"\Aoptional\b|\bto be (?:done|performed|determined|announced|ordered|obtained|confirmed)\b|\bawait(?:ing|ed)\b|"
    r"\bresults? unavailable\b|"
    r"\bno (?:other )?(?:specific )?(?:lab(?:oratory)? )?(?:tests?|results?|information|details|data|imaging|studies) "
    r"(?:were |was |is |are )?"
    r"(?:done|performed|specified|provided|available|indicated|conducted|mentioned|necessary|needed|required|reported)\b",
    re.I,
)
_SUPPOSED = re.compile(
    r"\b(?:would|could|may|might|can|should)(?: \w+)? (?:show|reveal|demonstrate|confirm|be (?:\w+ )?(?:considered|ordered|"
    r"performed|done|expected|"
    r"helpful|useful|obtained|positive|indicated))\b|\bexpected to\b|\b(?:if|as) (?:needed|necessary|indicated|ordered)\b|"
    r"\bimagine\b",
    re.I,
)
_NOTHING = re.compile(
    r"(?:n\.?/?a\.?|-+|\?+|unspecified|unknown|deferred|null|not applicable.*|information not .*|"
    r".{0,24}not (?:provided|specified|available).{0,30})\W*\Z",
    re.I,
)
_REASON = re.compile(r"\b(?:unable|refus|inability|cannot be assessed|could not be)", re.I)


def placeholder(text: str) -> bool:
    """Say whether a text only says that there is no result: pending, not done, what it would show."""
    if _NOTHING.match(text) and "," not in text:
        return True
    opening = re.split(r"[,;]", text, maxsplit=1)[0]
    return bool(_SUPPOSED.search(text) or _PENDING.search(opening)) and not _REASON.search(text)


def substance(text: str) -> str:
    """Return a text without the sentences that only say that nothing is known."""
    parts = sentences(text)
    kept = [part for part in parts if not placeholder(part)]
    return text if len(kept) == len(parts) else " ".join(kept)


@dataclass(slots=True)
class Finding:
    """One leaf on its way into an action."""

    panel: str
    name: str
    text: str


@dataclass(slots=True)
class _Draft:
    kind: Kind
    name: str
    findings: list[Finding] = field(default_factory=list)
    lent: list[str] = field(default_factory=list)
    """Names of the vocabulary for parts of this action."""

    def heading(self) -> str:
        """The name to put before the text where several are joined."""
        return "" if len({finding.panel for finding in self.findings}) > 1 else self.name

    def text(self) -> str:
        several = len({finding.panel for finding in self.findings}) > 1
        lines = []
        for finding in self.findings:
            name = ": ".join(dict.fromkeys(part for part in (finding.panel if several else "", finding.name) if part))
            lines.append(f"{name}: {finding.text}" if name and not (len(self.findings) == 1 and plain(finding.name)) else finding.text)
        return "\n".join(dict.fromkeys(lines))


class Bench:
    """Collects findings and makes the actions of one case from them."""

    def __init__(self) -> None:
        self.drafts: dict[str, _Draft] = {}
        self.heaps: dict[str, tuple[Kind, list[str]]] = {}
        self.flags: list[str] = []
        self._count = 0

    def section(self, name: str, value: object, kind: Kind) -> None:
        """Take in a section: a heap is parted into tests of their own, anything else is one examination or test."""
        if isinstance(value, (dict, list)) and not value:
            self.flags.append(f"empty:{label(name)}")
            return
        if not (generic(name) and isinstance(value, dict)):
            self._take(name, list(leaves(value)), kind)
            return
        codes: list[str] = []
        for child, held in value.items():
            if isinstance(held, dict) and not held:
                self.flags.append(f"empty:{label(name)}/{label(child)}")
            found = list(leaves(held))
            title = f"{name} {child}" if plain(str(child)) and not isinstance(held, dict) else str(child)
            codes += self._take(label(title), found, kind)
        self.heaps[label(name)] = (kind, list(dict.fromkeys(codes)))

    def add(self, name: str, text: str, kind: Kind, *, also: tuple[str, ...] = ()) -> None:
        """Take in one labelled text; ``also`` are further names to ask for it by."""
        for code in self._take(name, [Leaf((), text)], kind):
            self.drafts[code].lent += also

    def _take(self, name: str, found: list[Leaf], kind: Kind) -> list[str]:
        code = self._code(name, kind)
        kept = []
        if " " in label(name) and placeholder(label(name)) and all(len(leaf.text.split()) < 12 for leaf in found):
            self.flags.append(f"placeholder:{label(name)}")
            return []
        for leaf in found:
            where = "/".join(label(part) for part in (name, *leaf.path))
            text = substance(leaf.text)
            if text != leaf.text:
                self.flags.append(f"placeholder:{where[:90]}")
            if is_cut(leaf.text) or self._count >= MAX_LEAVES:
                self.flags.append("cut")
            if not text or self._count >= MAX_LEAVES:
                continue
            self._count += 1
            kept.append(Finding(label(name), _where(leaf.path, alone=len(found) == 1), text))
        if not kept or (code not in self.drafts and len(self.drafts) >= MAX_ACTIONS):
            return []
        draft = self.drafts.setdefault(code, _Draft(kind, label(name)))
        draft.findings += kept
        for leaf in found:
            for part in leaf.path:
                draft.lent += self._lent(part, kind, code)
        return [code]

    @staticmethod
    def _code(name: str, kind: Kind) -> str:
        known_code = resolve(name, kind)
        if known_code and known_code != "exam.vitals":
            return known_code
        own = slug(re.sub(r"(?<=\w)[_ ](?:examination|exam)\b", "", str(name), flags=re.I)) if kind == "examine" else slug(str(name))
        return f"exam.{own}" if kind == "examine" else f"test.{own}"

    @staticmethod
    def _lent(part: str, kind: Kind, code: str) -> list[str]:
        if plain(part):
            return []
        entry = known(resolve(part, kind) or "")
        return [entry.name, *entry.synonyms[:12]] if entry and entry.code != code else []

    def actions(self) -> dict[str, CaseAction]:
        """Return the actions; every name belongs to one of them, the nearest claim first."""
        self._pile()
        claims = _Claims()
        for code, draft in self.drafts.items():
            claims.claim(
                code,
                [
                    code.split(".", 1)[-1].replace("_", " "),
                    *forms(draft.name),
                    *(form for f in draft.findings for form in forms(f.panel)),
                ],
            )
        for code, draft in self.drafts.items():
            names = [part for finding in draft.findings for part in finding.name.split(", ") if part]
            claims.claim(code, [form for name in names if not plain(name) for form in forms(name)])
            claims.claim(code, [form for finding in draft.findings if not plain(finding.name) for form in forms(finding.name)])
            claims.claim(
                code,
                [quantity for name in (*names, *(f.panel for f in draft.findings)) for quantity in _quantities(name, draft.kind)],
            )
            claims.claim(code, [f"{short} {name}".lower() for name in names for short in forms(draft.name)[:3]])
        for code, draft in self.drafts.items():
            entry = known(code)
            claims.claim(code, [*([entry.name] if entry else []), *draft.lent])
        return {code: self._action(code, draft, claims.of(code)) for code, draft in self.drafts.items()}

    def _pile(self) -> None:
        """Give every heap of several tests an action that answers with all of them."""
        for name, (kind, codes) in self.heaps.items():
            held = [code for code in codes if code in self.drafts]
            if len(held) == 1:
                self.drafts[held[0]].lent += forms(name)
            code = f"{'exam' if kind == 'examine' else 'test'}.{slug(name)}"
            if len(held) > 1 and code not in self.drafts:
                lines = [Finding("", self.drafts[one].heading(), self.drafts[one].text().replace("\n", "; ")) for one in held]
                self.drafts[code] = _Draft(kind, name, lines, [f"covers:{','.join(held)}"])

    @staticmethod
    def _action(code: str, draft: _Draft, names: list[str]) -> CaseAction:
        entry = known(code)
        covers = next((part.removeprefix("covers:") for part in draft.lent if part.startswith("covers:")), "")
        inherited = {normal_form(name) for name in entry.synonyms} if entry else set()
        given: dict[str, Any] = {"args": {"covers": covers}} if covers else {}
        if draft.kind == "order" and entry is None:
            given["class"] = (
                "imaging" if re.search(r"x-?ray|ct\b|mri|ultraso|imag|radiogr|scan\b|echo|gram\b|graphy", draft.name, re.I) else "lab"
            )
        several = entry is not None and len({finding.panel for finding in draft.findings}) > 1
        name = None if several else draft.name
        synonyms = [known_as for known_as in names if known_as not in inherited and known_as != normal_form(name or "")][:MAX_SYNONYMS]
        if name:
            given["name"] = name
        return CaseAction(kind=draft.kind, synonyms=tuple(synonyms), result={"_": Result(text=draft.text())}, **given)


def _where(path: tuple[str, ...], *, alone: bool) -> str:
    """Name a leaf inside its section; nothing where it stands alone under a name that says nothing."""
    if alone and all(plain(part) for part in path):
        return ""
    parts = [label(part) for part in path]
    telling = [part for part in parts if not re.fullmatch(r"(?:findings?|results?)", part, re.I)]
    return ", ".join(dict.fromkeys(telling or parts))


def _quantities(name: str, kind: Kind) -> list[str]:
    """The vocabulary's name for what a leaf measures: ``K`` is also asked for as potassium."""
    found = analytes().get(analyte_of(name) or "") if kind == "order" else None
    return [found.name, found.name.split(",")[0]] if found else []


class _Claims:
    """Who owns a name: the first to claim it."""

    def __init__(self) -> None:
        self.owner: dict[str, str] = {}

    def claim(self, code: str, names: list[str]) -> None:
        for name in names:
            plainly = normal_form(name)
            if 1 <= len(plainly) <= 100 and not plainly.startswith("covers") and not plainly.isdigit():
                self.owner.setdefault(plainly, code)

    def of(self, code: str) -> list[str]:
        return [name for name, owner in self.owner.items() if owner == code]
