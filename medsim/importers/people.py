"""Who the patient is, read from a line such as ``"32-year-old woman, gravida 2"``.

The rule: what the line does not say is not guessed from elsewhere; an age that has to be assumed is flagged, a sex stays unknown.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from medsim.case.person import Age, Informant, Name, Sex

Unit = Literal["years", "months", "weeks", "days"]
Population = Literal["adult", "child", "infant", "pregnant", "older_adult"]

_UNIT = r"(years?|yrs?|months?|mos?|weeks?|wks?|days?|hours?|hrs?)"
_OLD = re.compile(rf"(\d{{1,3}}(?:\.\d+)?)[\s-]*{_UNIT}[\s-]*(?:old|of\s+age)\b", re.I)
_YO = re.compile(r"(\d{1,3})\s*-?\s*y(?:/|\.)?\s?o\b", re.I)
_AGED = re.compile(r"\bage[ds]?\b\W{0,4}(\d{1,3}(?:\.\d+)?)(?:\s*" + _UNIT + r")?", re.I)
_LEADING = re.compile(r"^\W*(\d{1,3})\b\s*-?\s*(?:years?\b|yrs?\b|y\b)?\W*(?:[MF]\b|male|female|man|woman|boy|girl|$)", re.I)
_BARE_UNIT = re.compile(
    rf"(?<![\w.-])(\d{{1,3}}(?:\.\d+)?)[\s-]+{_UNIT}\b(?!['\u2019]?\s*(?:of\s+)?(?:gestation|pregnan|post|ago|history))", re.I
)
_NUMBER = {
    word: i
    for i, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {word: 10 * (i + 2) for i, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])}
_WORDS = re.compile(
    rf"\b(?:({'|'.join(_TENS)})(?:-({'|'.join(_NUMBER)}))?|({'|'.join(_NUMBER)}))(?=[\s-](?:year|month|week|day|hour))", re.I
)

_STAGE: tuple[tuple[str, float, Unit], ...] = (
    (r"newborn|neonat", 0, "days"), (r"\binfant|\bbaby", 6, "months"), (r"toddler", 2, "years"), (r"preschool", 4, "years"),
    (r"\bteen|adolescent", 15, "years"), (r"\bchild\b|\bboy\b|\bgirl\b|\bkid\b", 8, "years"),
    (r"young (?:adult|man|woman)", 25, "years"),
    (r"middle[- ]aged", 50, "years"), (r"elderly|geriatric|senior|\bold (?:man|woman)", 75, "years"),
)  # fmt: skip

_FEMALE = re.compile(r"\b(?:female|woman|girl|lady|nulliparous|primigravida|multiparous|gravida|pregnant|postmenopausal)\b|\bF\b", re.I)
_MALE = re.compile(r"\b(?:male|man|boy|gentleman)\b|\bM\b", re.I)
_COMPANION = re.compile(
    r"\b(?:accompanied|brought(?: in)?|with|delivered|born|and|to|by)\b[^,;]*\b"
    r"(?:mother|father|wife|husband|daughter|son|parents?|sister|brother|woman|man|female|male)\b.*",
    re.I,
)

GIVEN: dict[Sex, tuple[str, ...]] = {
    "female": ("Ada", "Bea", "Cora", "Dana", "Edith", "Flora", "Greta", "Hanna", "Ines", "Jana", "Karin", "Lena", "Mona"),
    "male": ("Adam", "Boris", "Carl", "David", "Emil", "Felix", "Georg", "Hugo", "Ivan", "Jonas", "Karel", "Leon", "Max"),
}
ANY = ("Alex", "Chris", "Jamie", "Kim", "Noa", "Robin", "Sam")
FAMILY = (
    "Acker",
    "Brook",
    "Corner",
    "Dale",
    "Ember",
    "Field",
    "Grove",
    "Hill",
    "Isle",
    "Lake",
    "Moor",
    "North",
    "Orchard",
    "Penn",
    "Rivers",
    "Stone",
    "Wood",
)


class Person(NamedTuple):
    """Age and sex as read, with flags for what was not there."""

    age: Age
    sex: Sex
    flags: tuple[str, ...]

    @property
    def noun(self) -> str:
        """How the doctor's door note names the person."""
        years = self.age.years
        if years < 18:
            young = {"female": "girl", "male": "boy"}.get(self.sex, "child")
            return young if years >= 1 else {"female": "female infant", "male": "male infant"}.get(self.sex, "infant")
        return {"female": "woman", "male": "man"}.get(self.sex, "person")

    def __str__(self) -> str:
        number = f"{self.age.value:g}"
        article = "An" if number.startswith(("8", "11", "18")) and number not in {"110", "111"} else "A"
        return f"{article} {self.age} {self.noun}" if self.age.value else f"A newborn {self.noun}"

    def population(self, text: str) -> Population:
        """The population of the case's blueprint; ``text`` is the demographic line."""
        years = self.age.years
        if years < 1:
            return "infant"
        if years < 18:
            return "child"
        if self.sex != "male" and re.search(r"\bpregnan|gestation|gravid", text, re.I):
            return "pregnant"
        return "older_adult" if years >= 65 else "adult"


def person(text: str) -> Person:
    """Read age and sex from a demographic line."""
    text = text[:400]
    age, assumed = _age(text)
    sex = _sex(text)
    flags = (*(("age_assumed",) if assumed else ()), *(("sex_unknown",) if sex == "unknown" else ()))
    return Person(age, sex, flags)


def _age(text: str) -> tuple[Age, bool]:
    text = _WORDS.sub(_digits, text)
    for pattern in (_OLD, _YO, _AGED, _LEADING, _BARE_UNIT):
        match = pattern.search(text)
        if match:
            groups = match.groups()
            age = _made(float(groups[0]), (groups[1] if len(groups) > 1 else "") or "years")
            if age:
                return age, False
    for pattern_text, value, unit in _STAGE:
        if re.search(pattern_text, text, re.I):
            return Age(value=value, unit=unit), True
    return Age(value=40), True


def _digits(match: re.Match[str]) -> str:
    tens, ones, alone = match.groups()
    return str(_NUMBER[alone.lower()] if alone else _TENS[tens.lower()] + (_NUMBER[ones.lower()] if ones else 0))


def _made(value: float, word: str) -> Age | None:
    unit: Unit = {"y": "years", "m": "months", "w": "weeks", "d": "days"}.get(word[0].lower(), "days")  # type: ignore[assignment]
    if word[0].lower() == "h":
        value = float(round(value / 24))
    for larger, factor in (("weeks", 7), ("months", 4.348), ("years", 12)):
        if value > 130 and unit != "years":
            unit, value = larger, float(round(value / factor))  # type: ignore[assignment]
    return Age(value=value, unit=unit) if value <= 130 else None


def _sex(text: str) -> Sex:
    if re.search(r"\b(?:transgender|non-?binary|intersex)\b", text, re.I):
        return "other"
    alone = _COMPANION.sub(" ", text, count=1)
    for read in (alone, text if alone.strip() == "" else ""):
        female, male = _FEMALE.search(read), _MALE.search(read)
        if female and (not male or female.start() <= male.start()):
            return "female"
        if male:
            return "male"
    return "unknown"


def name(index: int, sex: Sex) -> Name:
    """Invent a neutral name; the same line always gets the same."""
    given = GIVEN.get(sex, ANY)
    return Name(given=given[index % len(given)], family=FAMILY[index % len(FAMILY)])


def informant(age: Age, told: str) -> Informant:
    """A parent speaks for a child under twelve: the mother where the text names her."""
    if age.years >= 12:
        return Informant()
    return Informant(role="mother" if re.search(r"\bmother\b", told, re.I) else "parent")
