"""People's labels: stored at once, beside everybody else's, and replaced by nobody but their rater."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from medsim.agreement import Label, labels_of, store_labels
from medsim.agreement.labels import NOT_LABELLED, _revision, encounters, older_labels, rater_name
from medsim.errors import CaseError, JudgeError, StoreError
from medsim.rubric import Scorecard, score
from medsim.store import Revision, Store
from tests.agreement.conftest import Ward, truth


def human(ward: Ward, trajectory: str, rater: str = "ann") -> dict[str, tuple[str, str]]:
    (found,) = [score for score in ward.store.scores(trajectory) if score["judge"] == f"human:{rater}"]
    return {item["item"]: (item["verdict"], item["reason"]) for item in found["items"]}


def test_a_label_is_a_score_in_which_all_else_is_unknown(ward: Ward) -> None:
    one = ward.known[0]
    store_labels(ward.store, [Label(one.trajectory, "plans", "met", "ann", (3,), "says so")], known=[one])
    (score,) = [score for score in ward.store.scores(one.trajectory) if score["judge"] == "human:ann"]
    assert (score["rubric"], score["rubric_hash"], score["coverage"]) == ("talk", one.rubric_hash, pytest.approx(1 / 6))
    said = human(ward, one.trajectory)
    assert said.pop("plans") == ("met", "says so")
    assert set(said.values()) == {("unknown", NOT_LABELLED)}


def test_a_later_label_joins_the_earlier_ones_and_replaces_its_own(ward: Ward) -> None:
    one = ward.known[0]
    for item, verdict in (("plans", "met"), ("rude", "unknown"), ("plans", "unmet"), ("greets", "na")):
        store_labels(ward.store, [Label(one.trajectory, item, verdict, "ann")], known=[one])  # type: ignore[arg-type]
    assert sum(score["judge"] == "human:ann" for score in ward.store.scores(one.trajectory)) == 1
    said = {label.item: label.verdict for label in labels_of(ward.store, [one])}
    assert said == {"plans": "unmet", "rude": "unknown", "greets": "na"}, "what cannot be told is a label too"


def test_one_rater_never_touches_another_nor_a_judge(ward: Ward) -> None:
    ward.judge("model a", truth)
    one = ward.known[0]
    store_labels(ward.store, [Label(one.trajectory, "plans", "met", "ann")], known=[one])
    before = list(ward.store.scores(one.trajectory))
    store_labels(ward.store, [Label(one.trajectory, "plans", "unmet", "ben")], known=[one])
    assert ward.store.scores(one.trajectory)[:-1] == before


def test_a_person_overrules_the_log_in_their_own_score(ward: Ward) -> None:
    one = next(one for one in ward.known if one.agent == "secret-agent-1")
    store_labels(ward.store, [Label(one.trajectory, "ecg", "unmet", "ann")], known=[one])
    assert human(ward, one.trajectory)["ecg"][0] == "unmet"
    own = ward.store.scores(one.trajectory)[0]
    assert next(item["verdict"] for item in own["items"] if item["item"] == "ecg") == "met"


def test_several_changes_are_stored_together_or_not_at_all(ward: Ward) -> None:
    first, second = ward.known[:2]

    def fails(before: object) -> Scorecard:
        raise JudgeError("no")

    good = Label(first.trajectory, "plans", "met", "ann")
    store_labels(ward.store, [good], known=[first])
    held = ward.store.scores(first.trajectory)
    seen: list[object] = []

    def changed(before: dict[str, Any] | None) -> Scorecard:
        seen.append(before)
        return score(first.case, [], first.outcome, rubric=first.rubric)

    wrong_judge = Revision(first.trajectory, "r", "human:ann", first.rubric_hash, changed)
    with pytest.raises(StoreError, match="A score of 'human:ann' was expected, given one of 'none'"):
        ward.store.revise([wrong_judge])
    assert seen == [held[-1]], "a change is made from what is stored"
    fine = _revision(first, "ann", [good._replace(verdict="unmet")], "")
    broken = Revision(second.trajectory, "r", "human:ann", second.rubric_hash, fails)
    with pytest.raises(JudgeError, match="no"):
        ward.store.revise([fine, broken])
    assert ward.store.scores(first.trajectory) == held
    ward.store.revise([fine])
    assert human(ward, first.trajectory)["plans"][0] == "unmet"


@pytest.mark.parametrize("judge", ["none", "openai/gpt-4o", "human:", "humane:ann"])
def test_only_a_persons_score_can_be_revised(ward: Ward, judge: str) -> None:
    one = ward.known[0]
    before = ward.store.scores(one.trajectory)
    with pytest.raises(StoreError, match="Only a person's score"):
        ward.store.revise([Revision(one.trajectory, "r", judge, one.rubric_hash, lambda before: None)])  # type: ignore[arg-type, return-value]
    assert ward.store.scores(one.trajectory) == before


def test_two_terminals_of_one_rater_lose_nothing(ward: Ward) -> None:
    one = ward.known[0]
    items = [item.id for item in ward.rubric.items]
    threads = [
        threading.Thread(target=store_labels, args=(ward.store, [Label(one.trajectory, item, "met", "ann")]), kwargs={"known": [one]})
        for item in items
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(label.item for label in labels_of(ward.store, [one])) == sorted(items)


def test_labels_of_an_earlier_version_of_a_rubric_are_counted_and_kept(ward: Ward) -> None:
    ward.people("ann", truth, cases=1)
    assert older_labels(ward.store, ward.known, "ann") == 0
    ward.rubric = ward.rubric.model_copy(update={"title": "A second version"})
    assert labels_of(ward.store, ward.known) == []
    assert older_labels(ward.store, ward.known, "ann") == 2 * 5
    ward.people("ann", truth, cases=1)
    assert len(labels_of(ward.store, ward.known)) == 2 * 5


def test_a_run_in_which_nothing_ended_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = Store(tmp_path_factory.mktemp("empty") / "r.db")
    store.begin_run("r", identity="same", config={})
    with pytest.raises(StoreError, match="no encounter that ended"):
        encounters(store, "r")
    with pytest.raises(StoreError, match=r"No run 'rr'"):
        encounters(store, "rr")


def test_a_case_that_is_elsewhere_is_told(ward: Ward) -> None:
    with pytest.raises(CaseError, match="--cases"):
        encounters(ward.store, "r")


@pytest.mark.parametrize("name", ["", "  ", "a\x1b[31mb", "x" * 61, "a\u202eb"])
def test_a_name_that_could_steer_a_terminal_is_refused(name: str) -> None:
    with pytest.raises(JudgeError):
        rater_name(name)
