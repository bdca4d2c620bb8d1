"""The debrief: scores by competency with evidence, what was missed, the golden path beside one's own, the time line of harm."""

from __future__ import annotations

from medsim.case import Case, authored
from medsim.play.debrief import Debrief, data, debrief
from medsim.play.telling import SECTIONS, plain, sections
from medsim.store import Store
from medsim.viewer import UNSAFE
from tests.play.conftest import played

TURNS = ["Hello, when did it start?", "order: ecg", "treat: nitroglycerin 400 mcg sl", "wait: 40m", "end:"]


def of(case: Case, store: Store, turns: list[str]) -> Debrief:
    made = played(case, store, turns)
    return debrief(case, made.leave())


def words(found: Debrief, width: int = 100) -> str:
    return plain(sections(found, width)).plain


def test_items_stand_by_competency_with_their_evidence(mini: Case, store: Store) -> None:
    found = of(mini, store, TURNS)
    names = [one.name for one in found.competences]
    assert names == ["Patient care", "Medical knowledge", "Systems-based practice", "Communication"]
    items = {judged.item.id: judged for one in found.competences for judged in one.items}
    assert [event.code for event in items["ecg"].evidence] == ["ecg12"]
    assert [event.kind for event in items["nitrate"].evidence] == ["treat"]
    assert items["nitrate"].mark == "harm"
    assert items["ecg"].mark == ""
    care = found.competences[0]
    assert care.earned == sum(judged.item.earned for judged in care.items)


def test_what_was_never_asked_is_told_with_what_it_would_have_shown(mini: Case, store: Store) -> None:
    found = of(mini, store, TURNS)
    would = {missed.would: missed for missed in found.missed}
    assert would['"Ten a day."'].golden
    assert not would['"I came out in a sweat."'].golden
    assert '"It began about an hour ago."' not in would, "it was asked"
    assert not any("fever" in missed.would for missed in found.missed), "what can never be told cannot be missed"
    assert any("Slow, regular, no murmur" in missed.would for missed in found.missed)
    assert not any("ST elevation" in missed.would for missed in found.missed), "the ECG was seen"
    assert any("sensitive" in missed.what and "trust of 4" in missed.what for missed in found.missed)


def test_a_fact_that_opens_once_it_is_asked_about_says_so(mini: Case, store: Store) -> None:
    data = authored(mini)
    fact = next(fact for fact in data["patient"]["facts"] if fact["id"] == "pill")
    fact["needs"] = {"heard": ["meds.erectile", "talk.confidential"]}
    (own,) = [missed.what for missed in of(Case.model_validate(data), store, TURNS).missed if "sensitive" in missed.what]
    assert own.endswith("(sensitive; needs to be asked about itself)"), own
    fact["needs"] = {"told": ["onset"], "heard": ["talk.confidential"]}
    (other,) = [missed.what for missed in of(Case.model_validate(data), store, TURNS).missed if "sensitive" in missed.what]
    assert "confidential" in other
    assert "something else told before" in other


def test_the_golden_path_stands_beside_ones_own(mini: Case, store: Store) -> None:
    steps = {f"{step.golden.kind} {step.golden.code}".strip(): step for step in of(mini, store, TURNS).path}
    assert steps["order ecg12"].own is not None
    assert steps["order ecg12"].own.text == "ecg"
    assert steps["treat aspirin"].own is None
    assert [event.code for event in of(mini, store, TURNS).beyond] == ["nitroglycerin"]
    golden = played(mini, store, mini.golden)
    assert all(step.own for step in debrief(mini, golden.leave()).path)


def test_the_time_line_of_harm_runs_from_the_deed_to_the_death(mini: Case, store: Store) -> None:
    moments = of(mini, store, TURNS).harm
    sorts = [moment.sort for moment in moments]
    assert sorts.index("unsafe") < sorts.index("end")
    assert sorts[-1] == "end"
    told = " ".join(moment.words for moment in moments)
    for part in ("arrival → ill", "nitroglycerin 400 mcg sl: against right ventricle", "ill → shock", "HARM: nitrate"):
        assert part in told
    assert [moment.t for moment in moments] == sorted(moment.t for moment in moments)


def test_omissions_that_are_critical_are_marked(mini: Case, store: Store) -> None:
    items = [
        item.model_copy(update={"critical": "fail", "critical_when": "unmet"}) if item.id == "aspirin" else item
        for item in mini.rubric.items
    ]
    strict = mini.model_copy(update={"rubric": mini.rubric.model_copy(update={"items": tuple(items)})})
    found = of(strict, store, TURNS)
    assert "omission" in [moment.sort for moment in found.harm]
    assert "! omitted" in words(found)
    done = of(strict, store, ["treat: aspirin 300 mg po", "end:"])
    assert "omission" not in [moment.sort for moment in done.harm]


def test_it_is_told_in_five_sections_that_fit_any_width(mini: Case, store: Store) -> None:
    found = of(mini, store, TURNS)
    for width in (44, 76, 120):
        parts = sections(found, width)
        assert tuple(title for title, _ in parts) == SECTIONS
        assert all(line.cell_len <= width for _, lines in parts for line in lines)
    text = words(found)
    for part in (
        "In truth    Inferior STEMI",
        "✓ met",
        "✗ unmet",
        "! harm",
        "– not done",
        "A good doctor",
        "died" if "died" in text else "shock",
    ):
        assert part in text


def test_a_case_without_script_or_untouched_is_told_as_well(mini: Case, store: Store) -> None:
    bare = mini.model_copy(update={"golden": ()})
    found = of(bare, store, ["end:"])
    assert found.path == ()
    assert "no golden script" in words(found)
    assert found.missed


def test_hostile_words_are_harmless_in_it(mini: Case, store: Store) -> None:
    import unicodedata

    found = of(mini, store, ["note: \x1b[31mred\u202e[bold]x[/bold]\x00", "diagnose: [red]flu[/red]", "end:"])
    text = words(found)
    assert "[red]flu[/red]" in text, "markup is text"
    assert not [letter for letter in text if letter != "\n" and unicodedata.category(letter) in UNSAFE]


def test_it_is_had_as_data(mini: Case, store: Store) -> None:
    found = data(of(mini, store, TURNS))
    assert found["truth"] == "Inferior STEMI"
    assert found["path"]
    assert found["missed"]
    assert found["harm"]


def test_only_the_mark_of_an_item_carries_its_colour(mini: Case, store: Store) -> None:
    lines = sections(of(mini, store, TURNS), 100)[1][1]
    marked = [line for line in lines if "! harm" in line.plain]
    assert marked
    assert all(not line.style and line.spans[0].end < line.plain.index("HARM") for line in marked)


def test_what_was_done_before_something_that_never_happened_says_why_it_earns_nothing(mini: Case, store: Store) -> None:
    own = authored(mini)
    early = {"a": {"topic": "onset"}, "b": {"group": "antibiotic"}, "if_b_absent": "unmet"}
    own["rubric"]["items"].append(
        {"id": "early", "text": "Asks when it began before an antibiotic", "points": 1, "comp": "PC", "pred": {"precedes": early}}
    )
    told = " ".join(words(of(Case.model_validate(own), store, TURNS), width=300).split())
    before, _, after = told.partition("Asks when it began before an antibiotic ")
    assert before.endswith("✗ unmet +0/1 ")
    assert after.startswith("(what it has to come before never happened: antibiotic)")
    assert "when did it start" in after[:140], "the question itself stands below it"
