"""The clock's laws: no deadline is ever jumped, state timers die with their state, processes outlive it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.case import Case, authored
from medsim.clock import Clock
from medsim.errors import CaseError
from medsim.trajectory import Event

CODES = ["nitroglycerin", "cath_lab", "aspirin", "defibrillate", "ecg12"]
SCRIPT = st.lists(st.tuples(st.integers(0, 1500), st.sampled_from(CODES)), max_size=6).map(lambda acts: sorted(acts))


def act(clock: Clock, code: str) -> None:
    clock.act(Event(0, 0, clock.body.now, "doctor", "treat", code=code, state=clock.body.state))


def history(clock: Clock, acts: list[tuple[int, str]], until: int, step: int) -> list[tuple[int, str, str]]:
    """Everything that happens until a time, moving at most ``step`` seconds at once."""
    seen = []
    stops = [(at, code) for at, code in acts if at <= until] + [(until, "")]
    for at, code in stops:
        while clock.body.now < at and clock.body.over != "bad":
            target = min(at, clock.body.now + step)
            while (happening := clock.next(target)) is not None:
                seen.append((clock.body.now, happening.kind, happening.name))
        if code and clock.body.over != "bad":
            act(clock, code)
            while (happening := clock.next(clock.body.now)) is not None:
                seen.append((clock.body.now, happening.kind, happening.name))
    return seen


@given(SCRIPT, st.integers(1, 700))
def test_history_does_not_depend_on_step_size(mini: Case, acts: list[tuple[int, str]], step: int) -> None:
    at_once, in_steps = Clock(mini), Clock(mini)
    assert history(at_once, acts, 4000, 10**6) == history(in_steps, acts, 4000, step)
    assert at_once.body == in_steps.body
    assert at_once.vitals() == in_steps.vitals()


def test_an_hour_at_once_equals_3600_seconds(mini: Case) -> None:
    assert history(Clock(mini), [], 3600, 3600) == history(Clock(mini), [], 3600, 1)


def test_cascaded_deadlines_each_fire_at_their_own_time(mini: Case) -> None:
    found = [item for item in history(Clock(mini), [], 100_000, 10**9) if item[1] == "state"]
    assert found == [(25 * 60, "state", "arrest"), (33 * 60, "state", "dead")]


def test_a_reaction_dies_with_its_state_but_a_process_goes_on(mini: Case) -> None:
    clock = Clock(mini)
    seen = history(clock, [(60, "cath_lab"), (120, "nitroglycerin")], 3600, 30)
    assert (240, "state", "shock") in seen
    assert (60 + 20 * 60, "state", "treated") not in seen, "shock turned to arrest first"
    assert (240 + 12 * 60, "state", "arrest") in seen


def test_a_process_is_held_until_a_state_it_knows(mini: Case) -> None:
    clock = Clock(mini)
    seen = history(clock, [(0, "nitroglycerin"), (100, "cath_lab"), (1310, "defibrillate")], 3000, 60)
    assert ("state", "treated") in [item[1:] for item in seen]
    assert next(at for at, _, name in seen if name == "treated") == 1310, "held during arrest, then at once"


def test_vitals_drift_and_stay_in_their_limits(mini: Case) -> None:
    clock = Clock(mini)
    clock.next(20 * 60)
    while clock.next(20 * 60) is not None:
        pass
    assert clock.vitals()["sbp"] == 94


def test_a_copy_goes_its_own_way(mini: Case) -> None:
    clock = Clock(mini)
    act(clock, "cath_lab")
    twin = Clock(mini, clock.body.copy())
    assert twin.body == clock.body
    act(twin, "nitroglycerin")
    twin.next(3000)
    assert twin.body != clock.body
    assert clock.body.now == 0


STILL = {"hr": 70, "sbp": 120, "dbp": 80, "rr": 16, "spo2": 96, "temp": 37}


def staged(case: Case, *, challenges: Sequence[dict[str, Any]] = (), **states: dict[str, Any]) -> Case:
    """The small case with states of its own, the first of them first."""
    data = authored(case)
    data["states"] = {name: {"vitals": STILL, **state} for name, state in states.items()}
    data["initial"] = next(iter(states))
    data["processes"], data["actions"], data["patient"]["challenges"] = [], {}, list(challenges)
    data["rubric"]["items"] = [item for item in data["rubric"]["items"] if item["id"] != "died"]
    return Case.model_validate(data)


@pytest.mark.parametrize("way", [-100, 100])
@pytest.mark.parametrize(
    ("sign", "low", "high"), [("hr", 0, 350), ("sbp", 0, 350), ("dbp", 0, 250), ("rr", 0, 120), ("spo2", 0, 100), ("temp", 20, 45)]
)
def test_no_vital_sign_drifts_to_where_no_body_goes(mini: Case, sign: str, low: int, high: int, way: int) -> None:
    clock = Clock(staged(mini, ill={"drift": {sign: way}}))
    clock.next(3600)
    assert clock.vitals()[sign] == (high if way > 0 else low)


def test_what_was_done_before_a_state_moves_it_only_where_the_reaction_says_ever(mini: Case) -> None:
    for ever, there in ((False, "worse"), (True, "better")):
        worse = {"react": [{"did": {"code": "aspirin"}, "to": "better", "after": "1m", **({"ever": True} if ever else {})}]}
        clock = Clock(staged(mini, ill={"timers": [{"at": "10m", "to": "worse"}]}, worse=worse, better={}))
        history(clock, [(60, "aspirin")], 3600, 3600)
        assert clock.body.state == there
        history(clock, [(3660, "aspirin")], 7200, 3600)
        assert clock.body.state == "better"


def test_two_states_that_hand_the_body_back_and_forth_are_found_out_after_fifty_turns(mini: Case) -> None:
    clock = Clock(staged(mini, here={"timers": [{"at": "0s", "to": "there"}]}, there={"timers": [{"at": "0s", "to": "here"}]}))
    with pytest.raises(CaseError, match="without time passing"):
        history(clock, [], 3600, 3600)
    assert (clock.body.now, clock.body.visit) == (0, 50)


def test_a_timer_is_stopped_by_what_was_done_before_it_comes_due(mini: Case) -> None:
    waiting = staged(mini, ill={"timers": [{"at": "10m", "to": "worse", "unless": {"did": {"code": "aspirin"}}}]}, worse={})
    for at, there in ((599, "ill"), (601, "worse")):
        clock = Clock(waiting)
        history(clock, [(at, "aspirin")], 3600, 3600)
        assert clock.body.state == there


@pytest.mark.parametrize(("conscious", "raised"), [("alert", True), ("voice", True), ("unresponsive", False)])
def test_whoever_cannot_be_woken_raises_nothing(mini: Case, conscious: str, raised: bool) -> None:
    clock = Clock(staged(mini, challenges=[{"id": "fear", "when": {"at": "1m"}, "say": "Will I die?"}], ill={"conscious": conscious}))
    assert (history(clock, [], 600, 600) == [(60, "challenge", "fear")]) == raised
