"""The page: whole in itself, hostile text shown as text, every number leading somewhere."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from medsim import case as cases
from medsim.case import Case
from medsim.report import Report, report
from medsim.report.page import page
from medsim.report.style import SCRIPT
from medsim.report.tables import to_csv
from tests.conftest import DATA
from tests.report.shelf import card, events, item, opened, put, run

EVIL = '</td></table><script>alert("x")</script><img src=x onerror=alert(1)>\x1b[31m\u202e$\\frac{1}{2}$"\'><a href=javascript:y>'


class Reader(HTMLParser):
    """Collects elements, attributes and text, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in {"meta", "br", "path", "use", "rect", "img", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"path", "use", "rect"}:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open and self.open[-1] == "script" else self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def pack(folder: Path, number: int) -> list[Case]:
    """So many cases that differ in nothing but their names."""
    text = (DATA / "mini.yaml").read_text(encoding="utf-8")
    folder.mkdir()
    for at in range(number):
        (folder / f"c{at}.yaml").write_text(text.replace("id: mini\n", f"id: c{at}\n"), encoding="utf-8")
    return [cases.load(folder / f"c{at}.yaml") for at in range(number)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Six cases, two trials, two agents, harms and unknowns."""
    folder = tmp_path_factory.mktemp("page")
    store, agents = opened(folder), ("good", "poor")
    identity = run(store, "r", agents)
    for at, case in enumerate(pack(folder / "pack", 6)):
        for trial in range(2):
            for agent in agents:
                good = agent == agents[0]
                items = [item(f"x{n}", "met" if n < (5 if good else 1 + at % 3) else "unmet", comp=("PC", "ICS")[n % 2]) for n in range(8)]
                items.append(item("hurt", "unmet" if good else "met", points=-1, critical="cap", evidence=(1,), text="HARM: said it"))
                items.append(item("open", "unknown", reason="needs a judge"))
                put(store, "r", agent, case=case, trial=trial, scored=card(case, items), identity=identity, cost=100.0 * at + good, happened=events((), ("site",)))  # fmt: skip
    return report(store, ["r"], date="2026-01-02", places=[str(folder / "pack")])


@pytest.fixture(scope="module")
def text(made: Report) -> str:
    return page(made)


@pytest.fixture(scope="module")
def read(text: str) -> Reader:
    return Reader(text)


def test_the_page_is_well_formed_and_fetches_nothing(read: Reader) -> None:
    assert read.open == []
    assert read.tags["svg"] == 6
    assert not [value for name, value in read.attributes if name in {"src", "srcset", "data", "action", "poster"}]
    assert not read.tags.keys() & {"link", "iframe", "object", "embed", "form", "base", "img"}
    assert {value for name, value in read.attributes if name == "href" and not value.startswith("#")} == set()
    assert "url(http" not in read.text
    assert "@import" not in read.text


def test_every_id_is_unique_and_every_link_leads_somewhere(read: Reader) -> None:
    ids = Counter(value for name, value in read.attributes if name == "id")
    assert max(ids.values()) == 1
    targets = {value[1:] for name, value in read.attributes if name in {"href", "xlink:href"}}
    clipped = {name for _, value in read.attributes for name in re.findall(r"url\(#([^)]+)\)", value)}
    assert len(targets) > 30
    assert targets | clipped <= set(ids)


def test_sections_stand_in_the_page_with_the_notice_and_the_claim(read: Reader) -> None:
    ids = {value for name, value in read.attributes if name == "id"}
    assert {"headline", "competencies", "efficiency", "coverage", "harms", "items", "disclosure", "missed", "differences", "identity", "limits", "trajectories"} <= ids  # fmt: skip
    assert "For research and teaching, not for care." in read.text
    assert re.search(r"6 cases support differences of \d+ points or more\.", read.text)
    assert "needs a judge" in read.text
    assert "2026-01-02" in read.text


def test_a_harm_leads_to_the_very_line_of_its_transcript(made: Report, read: Reader) -> None:
    harm = made.figures["harms"][0]
    anchor = f"x{harm['number']}-e1"
    assert ("href", f"#{anchor}") in read.attributes
    assert ("id", anchor) in read.attributes
    assert f"medsim show {harm['trajectory']}" in read.text


def test_plots_name_every_agent_in_words_and_use_the_pages_colours(text: str) -> None:
    drawn = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    for svg in drawn:
        assert "<title" in svg
        assert "<desc" in svg
        assert not re.search(r"#[0-9a-fA-F]{6}\b(?![^<]*</text>)", re.sub(r'(href="#|url\(#)[^")]*', "", svg))
    axes = [svg for svg in drawn if "Score against" in svg]
    assert len(axes) == 3
    assert all("good (front)" in svg and "poor" in svg and "mean over cases" in svg for svg in axes)
    styles = {mark for svg in drawn if "Facts found" in svg for mark in re.findall(r"stroke-dasharray: [\d., ]+", svg)}
    assert styles, "lines differ in more than colour"


def again_report(made: Report, date: str) -> Report:
    assert made.material.store.path is not None
    return report(made.material.store, ["r"], date=date, places=[str(made.material.store.path.parent / "pack")])


def test_a_page_is_the_same_bytes_but_for_its_date(made: Report, text: str) -> None:
    again = again_report(made, "2026-01-02")
    assert page(again) == text
    later = again_report(made, "2027-03-04")
    assert page(later).replace("2027-03-04", "2026-01-02") == text


def test_hostile_words_are_shown_and_never_become_markup(tmp_path: Path) -> None:
    text = (DATA / "mini.yaml").read_text(encoding="utf-8")
    quoted = (
        EVIL.replace("\x1b", "").replace("\u202e", "").replace("\\", "\\\\").replace('"', '\\"')
    )  # a case file may hold no hidden letter
    text = text.replace('title: "A small case for tests"', f'title: "{quoted}"').replace('say: "Ten a day."', f'say: "{quoted}"')
    file = tmp_path / "evil.yaml"
    file.write_text(text, encoding="utf-8")
    case = cases.load(file)
    assert "<script>" in case.title
    store = opened(tmp_path)
    agents = (EVIL, "=1+1")
    identity = run(store, f"r{EVIL}"[:40], agents, config={"models": {EVIL: EVIL}, "patient": EVIL})
    for agent in agents:
        items = [
            item("x", "unmet", text=EVIL, comp=EVIL[:10]), item("hurt", "met", points=-1, critical="fail", evidence=(1, 2), text=EVIL, reason=EVIL),
            item("y", "unknown", reason=EVIL), *(item(f"z{at}", "met" if at else "unmet") for at in range(4)),
        ]  # fmt: skip
        happened = events((), ("site",), doctor=EVIL, reply=EVIL)
        put(store, f"r{EVIL}"[:40], agent, case=case, scored=card(case, items, judge=EVIL[:100]), identity=identity, happened=happened)
        put(store, f"r{EVIL}"[:40], agent, case_id=EVIL[:60], status="error", reason="agent", error=EVIL, identity=identity)
    made = report(store, [f"r{EVIL}"[:40]], places=[str(file)])
    text = page(made)
    read = Reader(text)
    assert read.open == []
    assert read.scripts == [SCRIPT]
    assert read.tags["img"] == 0
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    assert not [value for name, value in read.attributes if name == "href" and not value.startswith("#")]
    assert not {"\x1b", "\u202e"} & set(text)
    assert "alert(1)" in read.text
    assert r"$\frac{1}{2}$" in read.text
    assert "\x1b" not in "".join(to_csv(made.figures).values())


@pytest.mark.parametrize("what", ["empty", "failed", "unknown", "unscored", "one"])
def test_a_page_is_made_of_whatever_there_is(tmp_path: Path, what: str) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a"] if what != "empty" else [])
    if what == "failed":
        put(store, "r", "a", case_id="one", status="error", reason="LLMError", error="away", identity=identity, happened=[])
    elif what != "empty":
        verdict = {"unknown": "unknown", "one": "met", "unscored": ""}[what]
        put(store, "r", "a", case_id="one", scored=card(None, [item("x", verdict)], case_id="one") if verdict else None, identity=identity)
    read = Reader(page(report(store, ["r"])))
    assert read.open == []
    told = {
        "empty": "there is nothing to report", "failed": "No encounter has come to an end", "unknown": "too much is unknown", "unscored": "No encounter has a score of this kind",
        "one": "One case gives no interval",
    }[what]  # fmt: skip
    assert told in read.text
    assert "nan" not in re.findall(r"[a-z]+", read.text)
    assert "None" not in read.text


def test_letters_that_no_font_here_has_are_left_to_the_readers(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["医生", "врач"])
    for agent in ("医生", "врач"):
        for name in ("one", "two"):
            put(store, "r", agent, case_id=name, scored=card(None, [item("x", "met")], case_id=name), identity=identity)
    text = page(report(store, ["r"]))
    assert re.search(r"<text[^>]*>医生", text)
    assert not recwarn.list


def test_a_long_run_embeds_so_many_transcripts_and_no_more(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a"])
    for at in range(60):
        harm = item(f"hurt{at}", "met", points=-3, evidence=(1,))
        put(store, "r", "a", case_id=f"c{at:02}", scored=card(None, [item("x", "unmet"), harm], case_id=f"c{at:02}"), identity=identity)
    read = Reader(page(report(store, ["r"])))
    shown = [value for name, value in read.attributes if name == "id" and re.fullmatch(r"x\d+", value)]
    assert 20 < len(shown) <= 40
    assert len([value for name, value in read.attributes if name == "id" and re.fullmatch(r"t\d+", value)]) == 60
