"""Several visits of one patient: each has its door, its limits and its place; the body goes on between them."""

from __future__ import annotations

from medsim import case as case_module
from medsim.agent.script import Script
from medsim.case import Case
from medsim.consult import Consult
from medsim.episode import replay, rollout
from medsim.patient.scripted import ScriptedPatient
from medsim.rubric import score
from tests.conftest import DATA

DOOR = 'door_note: "64-year-old woman, chest discomfort for an hour."}\n'
SECOND = (
    '  - {id: back, location: clinic, start: "2026-01-14T13:20:00", limits: {sim: 20m, turns: 3}, door_note: "She is back.", gap: GAP}\n'
)


def two_visits(gap: str, *, first: str = "2h", second: str = SECOND) -> Case:
    text = (DATA / "mini.yaml").read_text().replace(DOOR, DOOR + second.replace("GAP", gap))
    return case_module.loads(text.replace("limits: {sim: 2h", f"limits: {{sim: {first}"))


def played(case: Case, *turns: str) -> Consult:
    consult, patient = Consult(case), ScriptedPatient(case.brief())
    for turn in turns:
        if not consult.over:
            consult.play(turn, patient)
    return consult


def doors(consult: Consult) -> list[tuple[int, str]]:
    return [(event.t, event.code) for event in consult.events if event.kind == "encounter"]


def test_to_end_the_first_visit_leads_to_the_second_door_after_the_gap() -> None:
    consult = played(two_visits("10m"), "ask: do you smoke?", "end:")
    began = consult.scene.visit_began
    assert doors(consult) == [(0, "ed"), (began, "back")]
    assert began == 11 + 10 * 60
    assert "She is back." in consult.events[-1].text
    assert not consult.over


def test_a_gap_may_be_longer_than_a_visit() -> None:
    consult = played(two_visits("7d"), "order: ecg\nconsult: cath lab", "end:")
    assert doors(consult)[-1] == (180 + 7 * 86400, "back")


def test_to_end_the_last_visit_ends_the_encounter() -> None:
    outcome = played(two_visits("10m"), "end:", "end:").outcome()
    assert (outcome.status, outcome.reason, outcome.turns) == ("finished", "doctor", 2)


def test_each_visit_has_its_own_limits() -> None:
    consult = played(two_visits("1m"), "end:")
    assert (consult.limits.sim, consult.limits.turns) == (20 * 60, 3)
    assert consult.events[-1].args["limit_turns"] == 3


def test_turns_are_counted_from_the_door() -> None:
    consult = played(two_visits("1m"), *["ask: hello?"] * 5, "end:", "ask: hello?", "ask: hello?")
    assert not consult.over
    consult.play("ask: hello?", ScriptedPatient(consult.case.brief()))
    assert (consult.outcome().status, consult.outcome().reason) == ("truncated", "turns")


def test_time_is_counted_from_the_door() -> None:
    roomy = SECOND.replace("turns: 3", "turns: 9")
    consult = played(two_visits("1m", second=roomy), "wait: 1m", "end:", *["wait: 10m"] * 4)
    assert (consult.outcome().status, consult.outcome().reason) == ("truncated", "time")
    assert consult.scene.body.now == consult.scene.visit_began + 20 * 60


def test_the_body_goes_on_between_visits() -> None:
    consult = played(two_visits("30m"), "treat: aspirin 300 mg po", "end:")
    assert consult.scene.body.state == "arrest", "25 minutes untreated"
    states = [(event.t, event.code) for event in consult.events if event.kind == "state"]
    assert states == [(0, "ill"), (25 * 60, "arrest")]
    assert consult.events[-1].kind == "encounter"


def test_what_the_gap_brings_is_found_at_the_second_visit() -> None:
    consult = played(two_visits("10m"), "order: ecg", "end:")
    kinds = [event.kind for event in consult.events]
    assert kinds.index("result") < len(kinds) - 1 - kinds[::-1].index("encounter")


def test_who_dies_at_home_does_not_come_back() -> None:
    consult = played(two_visits("1h"), "end:")
    assert (consult.outcome().status, consult.outcome().reason, consult.outcome().state) == ("finished", "patient", "dead")
    assert doors(consult) == [(0, "ed")]


def test_what_is_to_be_had_depends_on_the_place_of_the_visit() -> None:
    consult = played(two_visits("1m"), "order: ct head", "end:", "order: ct head")
    first, *_, last = [event for event in consult.events if event.kind in {"order", "refused"} and event.turn in {1, 3}]
    assert (first.kind, last.kind) == ("order", "refused")


def test_what_was_told_stays_told_and_trust_stays_earned() -> None:
    consult = played(two_visits("1m"), "say: I am sorry, this must be frightening.\nask: do you smoke?", "end:", "ask: do you smoke?")
    replies = [event.facts for event in consult.events if event.kind == "reply"]
    assert replies[-1] == ()
    assert ("smoking",) in replies
    assert consult.scene.trust > consult.case.patient.persona.trust


def test_two_visits_are_scored_together_and_replay() -> None:
    case = two_visits("1m")
    run = rollout(case, Script(["order: ecg", "end:", "treat: aspirin 300 mg po", "end:"]))
    verdicts = {item.id: item.verdict for item in score(case, run.events, run.outcome).items}
    assert (verdicts["ecg"], verdicts["aspirin"]) == ("met", "met")
    assert replay(case, run).events == run.events
