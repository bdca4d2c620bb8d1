"""The clock's laws: no deadline is ever jumped, state timers die with their state, processes outlive it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medsim.case import Case
from medsim.clock import Clock
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
