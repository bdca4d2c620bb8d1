"""MediQ's figures on encounters small enough to be reckoned by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsim.agent.script import Script
from medsim.case import Case
from medsim.episode import rollout
from medsim.errors import LLMError, StoreError
from medsim.importers import mediq as importer
from medsim.llm import Scripted
from medsim.llm.scripted import Line
from medsim.metrics import Metric, Played
from medsim.metrics.mediq import aurc, ece, measure, read, risk_coverage
from medsim.metrics.told import factual, relevant
from medsim.patient.mediq import UNANSWERED, MediqPatient
from medsim.patient.seat import Patient

CASES = importer.load(Path(__file__).parents[1] / "importers" / "fixtures" / "mediq_dev.jsonl").cases
ARM, GUMS, SHAKING, CHILD = CASES[:4]
"""Their answers are A, B, B, A."""


def heard(case: Case, kind: str, *said: Line) -> MediqPatient:
    return MediqPatient(case.brief(), Scripted(said), kind=kind)


def played(case: Case, *turns: str, patient: Patient | None = None, **more: Any) -> Played:
    return Played(case, rollout(case, Script(turns), patient=patient, name=more.pop("name", "x"), **more))


def note(choice: str, then: str) -> str:
    return f"note: choice {choice}\n{then}"


def four() -> list[Played]:
    return [
        played(
            ARM,
            note("C, confidence 0.250", "ask: Does the patient have a fever?"),
            note("A, confidence 0.750", "ask: Any pets?"),
            note("A, confidence 1.000", "diagnose: A\nend:"),
            patient=heard(ARM, "factselect", "3", "5"),
        ),
        played(GUMS, note("B, confidence 0.750", "diagnose: B\nend:")),
        played(SHAKING, note("A, confidence 0.750", "diagnose: A\nend:")),
        played(
            CHILD,
            note("B, confidence 0.250", "ask: What is the breathing like?"),
            note("B, forced", "diagnose: B\nend:"),
            patient=heard(CHILD, "direct", "Noisy breathing since birth. She has 3 dogs."),
        ),
    ]


def figures(metrics: list[Metric], agent: str = "x") -> dict[str, Metric]:
    found = {metric.name: metric for metric in metrics if metric.agent == agent}
    assert len(found) == sum(metric.agent == agent for metric in metrics)
    return found


# ---- the figures ------------------------------------------------------------------------------------------------------------------------


def test_every_figure_is_the_one_reckoned_by_hand() -> None:
    found = {name: (metric.value, metric.n) for name, metric in figures(measure(four())).items()}
    wanted: dict[str, tuple[float, int]] = {
        "accuracy": (2 / 4, 4),
        "questions": (3 / 4, 4),
        "timeouts": (1 / 4, 4),
        "abstention": ((2 / 3 + 0 + 0 + 1) / 4, 4),
        "ece": ((0.25 + 0.25 + 0) / 3, 3),
        "aurc": ((0 + 1 / 4 + 1 / 3) / 3, 3),
        "risk at 50% coverage": (1 / 4, 3),
        "risk at 80% coverage": (1 / 3, 3),
        "brier": ((0 + 0.0625 + 0.5625) / 3, 3),
        "choice accuracy after 0": (1 / 4, 4),
        "choice accuracy after 1": (2 / 4, 4),
        "choice accuracy after 2": (2 / 4, 4),
        "questions answered": (1, 2),
        "factuality": ((1 + 1 / 2) / 2, 2),
        "relevance": ((1 / 2 + 1) / 2, 2),
        "errors": (0, 4),
    }
    assert found.keys() == wanted.keys()
    for name, (value, n) in wanted.items():
        assert found[name] == (pytest.approx(value), n), name


def test_every_share_has_an_interval_over_cases_and_stays_in_it() -> None:
    for name, metric in figures(measure(four())).items():
        if name != "errors":
            assert metric.value is not None
            assert metric.low is not None
            assert metric.high is not None
            assert 0 <= metric.low <= metric.high, name
            assert metric.low <= metric.value + 1e-9, name


def test_notes_say_what_was_left_out() -> None:
    found = figures(measure(four()))
    assert "3 bins of equal mass" in found["ece"].note
    assert "1 left out: no confidence was stated" in found["ece"].note
    assert "1 left out: no confidence was stated" in found["brier"].note
    assert "2 cases have none" in found["relevance"].note


def test_an_error_is_left_out_and_counted_and_is_no_wrong_answer() -> None:
    broken = played(CASES[4], "ask: Anything?", patient=heard(CASES[4], "direct", LLMError("down")))
    assert broken.trajectory.outcome.status == "error"
    found = figures(measure([*four(), broken]))
    assert (found["accuracy"].value, found["accuracy"].n) == (0.5, 4)
    assert "1 left out: ended in an error" in found["accuracy"].note
    assert found["errors"].value == 1


def test_nothing_measured_is_none_with_its_reason() -> None:
    broken = played(ARM, "ask: Anything?", patient=heard(ARM, "direct", LLMError("down")))
    found = figures(measure([broken]))
    assert {metric.value for name, metric in found.items() if name != "errors"} == {None}
    assert all(metric.note for metric in found.values())
    assert measure([]) == []


def test_a_case_without_options_is_not_measured(mini: Case) -> None:
    found = figures(measure([*four(), played(mini, "diagnose: MI\nend:")]))
    assert found["accuracy"].n == 4
    assert "1 left out: of a case without options" in found["accuracy"].note


def test_trials_of_one_case_are_one_case() -> None:
    trials = [played(ARM, f"diagnose: {letter}\nend:", trial=at) for at, letter in enumerate("ABBB")]
    found = figures(measure([*trials, played(GUMS, "diagnose: B\nend:")]))
    assert (found["accuracy"].value, found["accuracy"].n) == (pytest.approx((0.25 + 1) / 2), 2)


def test_trials_are_drawn_together_for_what_is_no_mean() -> None:
    trials = [played(ARM, note("A, confidence 1.000", "diagnose: A\nend:"), trial=at) for at in range(3)]
    alone = figures(measure(trials))
    assert (alone["ece"].value, alone["ece"].low, alone["ece"].n) == (0, None, 1)
    both = figures(measure([*trials, played(GUMS, note("A, confidence 1.000", "diagnose: A\nend:"))]))
    assert both["ece"].value == pytest.approx(1 / 4)
    assert (both["ece"].low, both["ece"].high, both["ece"].n) == (0, 1, 2)


def test_agents_stand_apart_and_configurations_are_not_averaged() -> None:
    metrics = measure([*four(), played(ARM, "diagnose: A\nend:", name="w")])
    assert [metric.agent for metric in metrics] == sorted(metric.agent for metric in metrics)
    assert figures(metrics, "w")["accuracy"].value == 1
    with pytest.raises(StoreError, match="2 configurations"):
        measure([played(ARM, "end:", identity="one"), played(ARM, "end:", identity="two")])


# ---- one encounter ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "letter"),
    [("A", "A"), ("a", ""), ("(A)", "A"), ("A. Harrow fever", "A"), ("Harrow fever", "A"), ("Harrow fever of the lung", "B"), ("A patient", ""), ("E", "")],
)  # fmt: skip
def test_an_answer_is_read_as_its_letter(said: str, letter: str) -> None:
    item = read(*played(ARM, f"diagnose: {said}\nend:")[:2])
    assert (item.letter, item.right) == (letter, letter == "A")


def test_no_answer_is_not_right_and_a_cut_off_encounter_is_a_timeout() -> None:
    silent = read(*played(ARM, "end:")[:2])
    assert (silent.letter, silent.right, silent.timeout) == ("", False, False)
    cut = read(*played(ARM, "ask: Fever?", "ask: Fever?", limits=(None, 1))[:2])
    assert (cut.letter, cut.right, cut.timeout, cut.asked) == ("", False, True, 1)
    assert "1 without an answer that names an option" in figures(measure([played(ARM, "end:")]))["accuracy"].note


def test_a_confidence_counts_only_for_the_answer_it_was_stated_with() -> None:
    assert read(*played(ARM, note("A, confidence 0.600", "diagnose: A\nend:"))[:2]).sure == 0.6
    assert read(*played(ARM, note("C, confidence 0.600", "diagnose: A\nend:"))[:2]).sure is None
    assert read(*played(ARM, note("A, confidence 0.600", "ask: Fever?"), "diagnose: A\nend:")[:2]).sure is None


def test_without_notes_there_are_no_choices_and_no_confidence() -> None:
    found = figures(measure([played(ARM, "diagnose: A\nend:")]))
    assert not [name for name in found if name.startswith("choice")]
    assert (found["ece"].value, found["ece"].note) == (None, "no confidence was stated")
    assert (found["brier"].value, found["brier"].note) == (None, "no confidence was stated")


# ---- calibration --------------------------------------------------------------------------------------------------------------------------


def of(*pairs: tuple[float, int]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return np.array([sure for sure, _ in pairs], dtype=float), np.array([right for _, right in pairs], dtype=float)


def test_the_calibration_error_is_the_mean_gap_of_bins_of_equal_mass() -> None:
    assert ece(*of((0.1, 0), (0.3, 1), (0.6, 0), (0.9, 1)), bins=2) == pytest.approx((abs(0.2 - 0.5) + abs(0.75 - 0.5)) / 2)
    assert ece(*of((0.1, 0), (0.3, 1), (0.6, 0), (0.9, 1)), bins=1) == pytest.approx(0.5 - 0.475)
    assert ece(*of((1, 1), (0, 0))) == 0


def test_unequal_bins_weigh_by_their_answers() -> None:
    assert ece(*of((0.2, 0), (0.4, 0), (0.9, 1)), bins=2) == pytest.approx((2 * abs(0.3 - 0) + abs(0.9 - 1)) / 3)


def test_equal_confidences_give_the_plain_gap_in_any_order() -> None:
    for rights in ([1, 0, 0, 0, 1], [0, 0, 0, 1, 1], [1, 1, 0, 0, 0]):
        pairs = [(0.7, right) for right in rights]
        assert ece(*of(*pairs)) == pytest.approx(0.3)
        assert list(risk_coverage(*of(*pairs))) == pytest.approx([0.6] * 5)


def test_the_risk_curve_goes_from_the_surest_to_all() -> None:
    curve = risk_coverage(*of((0.2, 0), (0.9, 1), (0.5, 0), (0.8, 1)))
    assert list(curve) == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert aurc(*of((0.2, 0), (0.9, 1), (0.5, 0), (0.8, 1))) == pytest.approx((1 / 3 + 1 / 2) / 4)


# ---- what was told ------------------------------------------------------------------------------------------------------------------------


def counted(kind: str, said: str, question: str = "What does she do?") -> tuple[int, int]:
    run = played(ARM, f"ask: {question}", patient=heard(ARM, kind, said)).trajectory
    assert run.error or any(event.kind == "reply" for event in run.events)
    return factual(ARM.brief(), run.events)


def test_facts_told_word_for_word_are_all_factual_by_construction() -> None:
    assert counted("factselect", "3, 5, 6") == (3, 3)
    assert factual(ARM.brief(), played(ARM, "ask: Does she have a fever?").trajectory.events) == (1, 1)


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("The patient repairs old lanterns.", (1, 1)),
        ("The patient repairs old lanterns. She loves the sea.", (1, 2)),
        ("She has a high fever.", (0, 1)),
        ("The patient repairs old lanterns and takes ibuprofen.", (0, 1)),
        ("The patient has had an itchy red arm for 6 days, since 4 March.", (0, 1)),
        ("The patient repairs old lanterns, but she has 3 dogs.", (1, 2)),
        ("I do not know. The patient repairs old lanterns.", (1, 1)),
        (UNANSWERED, (0, 0)),
    ],
)
def test_a_models_statements_are_facts_only_where_they_tell_one_and_add_nothing(said: str, count: tuple[int, int]) -> None:
    assert counted("direct", said) == count


def test_a_refusal_is_no_statement() -> None:
    assert counted("instruct", "NOT RECORDED") == (0, 0)
    assert counted("factselect", "NONE") == (0, 0)


@pytest.mark.parametrize(
    ("question", "selected", "count"),
    [
        ("Does the patient have a fever?", "3", (1, 1)),
        ("Does the patient have a fever?", "3, 5", (1, 2)),
        ("Has the patient travelled?", "4", (1, 1)),
        ("What does the patient repair?", "5", (1, 1)),
        ("Does the patient have any pets?", "6", (0, 1)),
        ("What is the pulse?", "8, 9", (1, 2)),
        ("What is the pulse?", "NONE", (0, 0)),
    ],
)
def test_a_told_fact_is_relevant_where_the_gate_would_open_it_or_the_words_meet(
    question: str, selected: str, count: tuple[int, int]
) -> None:
    run = played(ARM, f"ask: {question}", patient=heard(ARM, "factselect", selected)).trajectory
    assert relevant(ARM.brief(), run.events) == count


def test_what_the_gate_itself_told_is_relevant() -> None:
    for question in ("Does she have a fever?", "Has she travelled?", "What does she do with lanterns?", "What is her pulse?"):
        run = played(ARM, f"ask: {question}").trajectory
        assert relevant(ARM.brief(), run.events) == (1, 1), question


def test_facts_with_topics_are_relevant_to_questions_on_them(mini: Case) -> None:
    run = played(mini, "ask: Do you smoke?").trajectory
    assert relevant(mini.brief(), run.events) == (1, 1)
