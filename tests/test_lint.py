"""Lint: every rule fires on a case that breaks it and is silent on one that does not; every shipped case is without error."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from medsim import case as case_module
from medsim import importers, library
from medsim import recipe as recipes
from medsim.agent.script import Shotgun
from medsim.case import Case
from medsim.lint import Finding, gates, lint, read_off
from tests.conftest import DATA

SOURCED = "points: 3, comp: PC, source: [made_up], pred: {did: {code: "
GOOD = (DATA / "mini.yaml").read_text().replace("points: 3, comp: PC, pred: {did: {code: ", SOURCED)
STARTER = [path.stem for path in library.pack_files("starter")]

Change = tuple[str, str]
NEVER_ASKED = "  ghost: {vitals: {hr: 70, sbp: 120, dbp: 80, rr: 16, spo2: 98, temp: 37}}\n  dead: "
FIRST = 'limits: {sim: 2h, turns: 30}, door_note: "64-year-old woman, chest discomfort for an hour."}\n'
AGAIN = '  - {id: again, location: clinic, start: "2026-01-28T10:20:00", gap: 14d, limits: {sim: 6m}, door_note: "Two weeks later."}\n'
STATIC: list[tuple[str, str, list[Change]]] = [
    ("timer-in-gap", "states.ill.timers", [(FIRST, FIRST + AGAIN)]),
    ("challenge-in-gap", "challenges.dying.when", [(FIRST, FIRST.replace("2h", "6m") + AGAIN), ("when: {at: 5m}", "when: {at: 7m}")]),
    ("unreachable-state", "states.ghost", [("  dead: ", NEVER_ASKED)]),
    ("unknown-topic", "patient.facts.onset", [("topics: [onset.when]", "topics: [onset.wen]")]),
    ("unknown-topic", "patient.facts.pill", [("heard: [talk.confidential]", "heard: [talk.confidental]")]),
    ("unknown-topic", "rubric.onset", [("pred: {did: {topic: onset.when}}", "pred: {did: {topic: onset.whenn}}")]),
    ("unknown-fact", "patient.facts.pill.needs", [("needs: {trust: 4,", "needs: {trust: 4, told: [nothing],")]),
    ("unknown-fact", "rubric.onset", [("pred: {did: {topic: onset.when}}", "pred: {did: {fact: onst}}")]),
    ("unknown-code", "rubric.ecg", [("{did: {code: ecg12}, within: 10m}", "{did: {code: ecg13}, within: 10m}")]),
    ("unknown-code", "rubric.ecg", [("{did: {code: ecg12}, within: 10m}", "{codes: {expected: [troponin, [ecg12, ecg13]]}}")]),
    ("unknown-code", "states.ill", [("react: [{did: {code: nitroglycerin}", "react: [{did: {code: nitroglicerin}")]),
    ("unknown-code", "processes.team", [("{id: team, did: {code: cath_lab}", "{id: team, did: {code: cathlab}")]),
    ("unknown-code", "challenges.thanks", [("{after: {did: {code: aspirin}}", "{after: {did: {code: asprin}}")]),
    ("unknown-code", "actions.cath_lab", [("requires: {did: {code: ecg12}}", "requires: {did: {code: ecg}}")]),
    ("unknown-code", "actions.nitroglycerin", [('why: "right ventricle"', 'why: "right ventricle", unless: {did: {code: eccg12}}')]),
    ("unknown-code", "rubric.answer", [("{kind: challenge, code: dying}", "{kind: challenge, code: dyin}")]),
    ("unknown-code", "rubric.place", [("pred: {disposition: true}", "pred: {did: {kind: dispose, code: heaven}}")]),
    ("unknown-group", "rubric.nitrate", [("pred: {did: {code: nitroglycerin}}", "pred: {did: {group: nitrat}}")]),
    ("unknown-class", "rubric.nitrate", [("pred: {did: {code: nitroglycerin}}", "pred: {did: {class: drug}}")]),
    ("unknown-state", "rubric.nitrate", [("pred: {did: {code: nitroglycerin}}", "pred: {did: {code: nitroglycerin, state: il}}")]),
    ("fact-without-topic", "patient.facts.sweats", [("topics: [ros.sweating], ", "")]),
    ("no-deflect", "patient.facts.pill", [('deflect: "Nothing that matters.", ', ""), ("[meds.erectile, meds.recent]", "[ros.palpitations]")]),
    ("no-secrets", "patient.secrets.terms", [("terms: [infarction, stemi]", "terms: []")]),
    ("missing-unit", "actions.troponin.result._", [(", unit: ng/L", "")]),
    ("other-unit", "actions.lactate.result._", [("unit: mmol/L", "unit: mg/dL")]),
    ("dose-without-range", "actions.aspirin", [("aspirin: {kind: treat, doses: {dose_mg: [162, 325], route: [po, chew]}}", "aspirin: {kind: treat}")]),
    ("missing-result", "actions.ecg12.result", [(', _: "No organised rhythm."', "")]),
    ("missing-result", "actions.normal_saline.answer", [(', _: "Running."', "")]),
    ("no-result", "actions.scan_of_dreams", [("  ecg12: {", "  scan_of_dreams: {kind: order}\n  ecg12: {")]),
    ("no-harm-item", "rubric", [("points: -4, comp: PC, critical: fail,", "points: 4, comp: PC,"), ("points: -3, comp: PC, critical: cap, cap: 0.3", "points: 3, comp: PC")]),
    ("no-over-testing-item", "rubric", [("role: efficiency, ", "")]),
    ("unknown-source", "rubric.ecg", [("comp: PC, source: [made_up]", "comp: PC, source: [made_upp]")]),
    ("timing-without-source", "rubric.ecg", [("comp: PC, source: [made_up]", "comp: PC")]),
    ("no-golden", "golden", [(GOOD[GOOD.index("golden:") :], "")]),
    ("empty-action", "golden[2]", [('"ask: Do you smoke?"', '"ask:"')]),
]  # fmt: skip


def changed(*changes: Change) -> Case:
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return case_module.loads(text)


def rules(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.rule, finding.where) for finding in findings}


def test_a_good_case_is_passed_over_in_silence() -> None:
    found, report = lint(changed())
    assert found == []
    assert report is not None
    assert (report.golden.raw, report.golden.passed) == (1.0, True)


@pytest.mark.parametrize(("rule", "where", "changes"), STATIC, ids=[f"{rule} at {where}" for rule, where, _ in STATIC])
def test_each_static_rule_fires_where_it_is_broken_and_nowhere_else(rule: str, where: str, changes: list[Change]) -> None:
    found = read_off(changed(*changes))
    assert (rule, where) in rules(found)
    assert {finding.rule for finding in found} == {rule}


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("title", ('title: "A small case for tests"', 'title: "A STEMI for tests"')),
        ("id", ("id: mini\n", "id: inferior-stemi\n")),
        ("encounters.ed.door_note", ("chest discomfort for an hour", "inferior ST-elevation myocardial infarction for an hour")),
        ("patient.opening", ("It's my chest, doctor.", "It's a STEMI, doctor.")),
        ("patient.facts.sweats", ("I came out in a sweat.", "They said infarction.")),
        ("patient.facts.pill", ("Nothing that matters.", "Not since my infarction.")),
        ("patient.facts.ice.concerns", ("That it is the end of me.", "That it is an infarction.")),
        ("challenges.dying", ("Am I going to die?", "Is it a STEMI?")),
        ("states.shock.appear", ("She is grey and cold.", "The infarction has spread.")),
        ("processes.team.say", ("The team takes her.", "The STEMI team takes her.")),
        ("actions.cath_lab.refusal", ("They ask for the ECG first.", "No STEMI, no laboratory.")),
        ("patient.persona.manner", ("talkativeness: 3,", 'talkativeness: 3, manner: "A fist on the chest, as in infarction",')),
        ("patient.unknown", ("  facts:\n", '  unknown: {other: ["Ask about my STEMI."]}\n  facts:\n')),
    ],
)
def test_the_diagnosis_is_found_wherever_the_doctor_or_the_patients_seat_could_see_it(where: str, change: Change) -> None:
    found = read_off(changed(change))
    assert ("diagnosis-in-sight", where) in rules(found)
    assert {finding.level for finding in found} == {"error"}


def test_what_no_seat_can_see_may_name_it() -> None:
    assert read_off(changed(('say: "I have a fever."', 'say: "I have had an infarction."'))) == []


def test_no_rule_goes_without_a_test() -> None:
    source = "".join(path.read_text() for path in Path(gates.__code__.co_filename).parent.glob("*.py"))
    named = set(re.findall(r'(?:error|warning)\(\s*f?"([a-z-]+[a-z])"', source))
    unknown = {f"unknown-{what}" for what in re.findall(r'\("(group|class|fact|state)", did\.', source)}
    dynamic = {"gate-golden", "gate-inert", "gate-shotgun", "gate-broken", "item-cannot-flip", "diagnosis-in-sight", "picture"}
    assert len(named) > 15
    assert named | unknown == {rule for rule, *_ in STATIC} | dynamic


# ---- gates -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "where", "changes"),
    [
        ("gate-golden", "golden", [('  - "treat: aspirin 300 mg po"\n', "")]),
        ("gate-golden", "golden", [('"treat: aspirin 300 mg po"', '"treat: aspirin 300 mg po\\ntreat: aspirin"')]),
        ("gate-golden", "golden", [("turns: 30", "turns: 3")]),
        (
            "gate-inert",
            "rubric",
            [("    - {id: dx,", "    - {id: idle, text: x, points: 9, comp: PC, pred: {never: {code: nitroglycerin}}}\n    - {id: dx,")],
        ),
        ("gate-shotgun", "rubric", [("critical: fail, ", ""), ("{min_score: 0.6}", "{min_score: 0, no_critical: false}")]),
        ("item-cannot-flip", "rubric.onset", [("pred: {did: {topic: onset.when}}", "pred: {did: {kind: order, code: aspirin}}")]),
    ],
    ids=["golden loses points", "golden is refused", "golden does not finish", "inert earns", "shotgun passes", "an item nobody can meet"],
)  # fmt: skip
def test_each_gate_fires(rule: str, where: str, changes: list[Change]) -> None:
    assert (rule, where) in rules(gates(changed(*changes)).findings)


def test_a_gate_whose_encounter_breaks_off_says_so_and_is_not_taken_for_a_failed_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Shotgun):
        def act(self, observation: str) -> str:
            raise RuntimeError("no more")

    monkeypatch.setattr(sys.modules["medsim.lint.gates"], "Shotgun", Broken)
    assert ("gate-broken", "shotgun") in rules(gates(changed()).findings)


def test_the_states_of_a_documented_case_are_reached_in_their_order_and_not_backwards(tmp_path: Path) -> None:
    text = (DATA / "documented.yaml").read_text()
    (tmp_path / "forwards.yaml").write_text(text)
    (tmp_path / "backwards.yaml").write_text(text.replace("initial: tight", "initial: easier"))
    assert "unreachable-state" not in {found.rule for found in read_off(case_module.load(tmp_path / "forwards.yaml"))}
    (found,) = [found for found in read_off(case_module.load(tmp_path / "backwards.yaml")) if found.rule == "unreachable-state"]
    assert found.where == "states.tight"
    assert "before the first one, 'easier'" in found.message


def test_what_is_imported_from_the_example_packets_has_no_error(tmp_path: Path) -> None:
    packets = Path(__file__).parents[1] / "examples" / "packets"
    importers.write("medsp1000", importers.importer("medsp1000")(packets), tmp_path)
    cases = [case_module.load(path) for path in library.pack_files(tmp_path)]
    assert max(len(case.states) for case in cases) > 1
    assert [found for case in cases for found in read_off(case) if found.level == "error"] == []


def test_imported_and_documented_cases_play_no_gates() -> None:
    imported = changed(("origin: original", "origin: imported"))
    assert lint(imported)[1] is None
    assert lint(case_module.load(DATA / "documented.yaml"))[1] is None
    assert lint(changed(), run_gates=False)[1] is None


# ---- what is shipped ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STARTER)
def test_every_shipped_case_is_without_error_and_passes_its_gates(name: str) -> None:
    found, report = lint(recipes.case_named(name))
    assert [finding for finding in found if finding.level == "error"] == []
    assert report is not None
    assert (report.golden.raw or 0) >= 0.95
    assert (report.inert.raw or 0) <= 0
    assert not report.shotgun.passed
