"""The panel: five voices and a sixth that acts, in the grammar or not at all, and never a test beyond the ceiling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from medsim import action as act
from medsim import library
from medsim.agent import fingerprint, make
from medsim.agent.panel import TRIES, VOICES, PanelDoctor, bill, is_turn
from medsim.case import Case
from medsim.episode import replay, rollout
from medsim.errors import CaseError, LLMError
from medsim.llm import Call, Scripted
from medsim.vocabulary import entries

ECG, MRI = entries()["ecg12"], next(entry for entry in entries().values() if entry.name.lower() == "mri brain")


def voice_of(call: Call) -> str:
    """Which of the panel is asked, by the prompt it was given."""
    parts = {"hypotheses": "differential diagnosis", "chooser": "choose what to find out", "challenger": "is to disagree",
             "steward": "money is well spent", "checklist": "check before the panel acts", "consensus": "has agreed to do next"}  # fmt: skip
    (found,) = [voice for voice, words in parts.items() if words in call.messages[0].content]
    return found


def panel(*turns: str, said: Callable[[str], str] = str.upper, **settings: Any) -> tuple[PanelDoctor, Scripted]:
    """A panel whose consensus is scripted; the other voices say their own name aloud."""
    left = list(turns)

    def answer(call: Call) -> str:
        voice = voice_of(call)
        return left.pop(0) if voice == "consensus" else said(voice)

    llm = Scripted(answer)
    return PanelDoctor(llm, **settings), llm


def test_the_voices_speak_in_order_and_each_hears_those_before_it() -> None:
    doctor, llm = panel("order: ecg")
    assert doctor.act("A woman of 64.") == "order: ecg"
    assert tuple(map(voice_of, llm.calls)) == VOICES
    for number, call in enumerate(llm.calls):
        seen = call.messages[-1].content
        assert "A woman of 64." in seen
        assert [voice for voice in VOICES if f"THE PANEL: {voice.upper()}\n\n{voice.upper()}" in seen] == list(VOICES[:number])


def test_the_next_turn_sees_what_was_done_and_thought() -> None:
    doctor, llm = panel("order: ecg", "wait: result", said=lambda voice: f"{voice}: 60% PE")
    doctor.act("A woman of 64.")
    doctor.act("ECG: ST elevation.")
    seen = llm.calls[6].messages[-1].content
    assert seen.index("A woman of 64.") < seen.index("[doctor]\norder: ecg") < seen.index("ECG: ST elevation.")
    assert "BEFORE THIS\n\nhypotheses: 60% PE" in seen
    assert "challenger" not in seen


def test_a_panel_plays_a_whole_encounter_and_it_replays(mini: Case) -> None:
    doctor, llm = panel("say: Hello, what brings you in?", "order: ecg\nwait: result", "diagnose: inferior STEMI\nend:")
    run = rollout(mini, doctor, name="panel", seed=3)
    assert run.outcome.reason == "doctor"
    assert run.outcome.diagnosis == ("inferior STEMI",)
    assert {(call.role, call.seed) for call in llm.calls} == {("doctor", 3)}
    assert len(llm.calls) == 18
    assert replay(mini, run).events == run.events


def test_a_panel_starts_anew_with_each_encounter(mini: Case) -> None:
    turns = ["order: ecg", "order: mri brain\nend:"]
    doctor, llm = panel(*turns, *turns, ceiling_usd=MRI.cost)
    assert rollout(mini, doctor, seed=4).events == rollout(mini, doctor, seed=4).events
    assert llm.calls[:12] == llm.calls[12:], "nothing is known of the encounter before: no money, no differential, no ruling"


@pytest.mark.parametrize("voice", VOICES)
def test_a_failing_model_is_an_error_of_the_trajectory_whoever_was_asked(mini: Case, voice: str) -> None:
    def answer(call: Call) -> Any:
        return LLMError("gone") if voice_of(call) == voice else "order: ecg"

    run = rollout(mini, PanelDoctor(Scripted(answer)), name="panel")
    assert (run.outcome.status, run.outcome.reason) == ("error", "LLMError")
    assert [event for event in run.events if event.actor == "doctor"] == []


# ---- what is a turn ----------------------------------------------------------------------------------------------------------------

PROSE = [
    "A patient with this picture needs C",
    "**C**",
    "90%",
    "not very confident",
    "Yes.",
    "yesterday",
    "The consensus:\norder: ecg",
    "**order:** ecg",
    "order: ecg\nThe challenger agrees.",
    "ask: Where does it hurt?\n\nRationale: it may be a STEMI.",
    "<think>order: ecg",
]


@pytest.mark.parametrize("text", PROSE)
def test_prose_of_the_panel_is_asked_for_again_and_never_said(text: str) -> None:
    doctor, llm = panel(text, "order: ecg")
    assert doctor.act("A woman of 64.") == "order: ecg"
    assert len(llm.calls) == len(VOICES) + 1
    assert llm.calls[-1].messages[-1].role == "user"
    assert doctor.story[-1] == "[doctor]\norder: ecg"


@pytest.mark.parametrize(
    "text", ["order: ecg", "end", "Order: ecg\nwait: result", "note: S: pain\nO: fine\nend:", "order: ecg; ask: why now?"]
)
def test_actions_and_nothing_else_are_a_turn(text: str) -> None:
    assert is_turn(text)


def test_a_panel_that_writes_no_turn_three_times_is_an_error() -> None:
    doctor, llm = panel(*["We should get an ECG."] * 9)
    with pytest.raises(LLMError, match="consensus was asked 3 times"):
        doctor.act("A woman of 64.")
    assert len(llm.calls) == len(VOICES) - 1 + TRIES


def test_a_voice_that_only_thinks_is_asked_again() -> None:
    answers = iter(["<think>hm", "1. PE 60%"])
    doctor, llm = panel("order: ecg", said=lambda voice: next(answers) if voice == "hypotheses" else voice)
    assert doctor.act("A woman of 64.") == "order: ecg"
    assert "<think>" not in llm.calls[-1].messages[-1].content


# ---- money -------------------------------------------------------------------------------------------------------------------------


def test_prices_are_those_of_the_shared_vocabulary_and_a_test_is_one_under_any_verb() -> None:
    assert bill(act.order("12-lead ecg")) == (ECG.cost, True)
    assert bill(act.order("mri brain, 12-lead ecg")) == (MRI.cost + ECG.cost, True)
    assert bill(act.procedure("mri brain")) == (MRI.cost, True)
    assert bill(act.order("a horoscope of the liver")).usd == 0
    assert bill(act.note("mri brain")) == (0, False)
    aspirin = bill(act.treat("aspirin", dose="300 mg", route="po"))
    assert aspirin.usd > 0
    assert not aspirin.test


def test_a_test_that_would_pass_the_ceiling_is_dropped_and_the_steward_says_so() -> None:
    doctor, llm = panel(
        "order: 12-lead ecg\norder: mri brain\nexamine: heart", "examine: lungs", "end:", ceiling_usd=MRI.cost + ECG.cost - 1
    )
    assert doctor.act("A woman of 64.") == "order: 12-lead ecg\nexamine: heart"
    assert doctor.spent == ECG.cost
    doctor.act("The heart is regular.")
    ruling = f"The steward dropped from the last turn, as the ceiling would be passed: order: mri brain (about {MRI.cost:g} USD)."
    assert all(ruling in call.messages[-1].content for call in llm.calls[6:12])
    assert f"About {ECG.cost:g} USD spent so far" in llm.calls[6].messages[-1].content
    doctor.act("The lungs are clear.")
    assert not any("steward dropped" in call.messages[-1].content for call in llm.calls[12:])


def test_what_just_fits_is_ordered_and_nothing_after_it() -> None:
    doctor, _ = panel("order: mri brain", "order: 12-lead ecg\nend:", ceiling_usd=MRI.cost)
    assert doctor.act("A woman of 64.") == "order: mri brain"
    assert doctor.act("Under way.") == "end:"
    assert doctor.spent == MRI.cost


def test_more_actions_than_a_turn_may_hold_are_left_to_the_encounter_and_cost_nothing(mini: Case) -> None:
    many = "\n".join(["order: 12-lead ecg"] * (act.MAX_ACTIONS + 3))
    doctor, _ = panel(many, "end:")
    run = rollout(mini, doctor)
    assert doctor.spent == ECG.cost * act.MAX_ACTIONS
    assert [event.text for event in run.events if event.text.startswith("Only the first")]


def test_another_verb_is_no_way_round_the_ceiling() -> None:
    doctor, _ = panel("procedure: mri brain\nexamine: mri brain\nend:", ceiling_usd=MRI.cost - 1)
    assert doctor.act("A woman of 64.") == "end:"


def test_where_nothing_is_left_a_note_stands_in_the_chart_that_names_no_test() -> None:
    doctor, _ = panel("order: mri brain", ceiling_usd=0)
    (note,) = act.parse(doctor.act("A woman of 64."))
    assert note.kind == "note"
    assert "mri" not in note.text.lower()


def test_a_treatment_is_counted_but_never_withheld_for_its_price() -> None:
    doctor, _ = panel("treat: aspirin 300 mg po\norder: 12-lead ecg", ceiling_usd=0)
    assert doctor.act("A woman of 64.") == "treat: aspirin 300 mg po"
    assert doctor.spent > 0


def test_without_a_ceiling_nothing_is_dropped_and_the_count_is_kept() -> None:
    doctor, llm = panel("order: mri brain\norder: 12-lead ecg")
    assert doctor.act("A woman of 64.") == "order: mri brain\norder: 12-lead ecg"
    assert doctor.spent == MRI.cost + ECG.cost
    assert "there is no ceiling" in llm.calls[0].messages[-1].content


def test_the_whole_encounter_stays_below_the_ceiling_where_only_tests_are_asked_for(mini: Case) -> None:
    shared = mini.model_copy(update={"actions": {}})
    orders = "\n".join(f"order: {entry.name}" for entry in list(entries().values())[:20] if entry.kind == "order")
    doctor, _ = panel(*[orders] * 3, "end:", ceiling_usd=500)
    run = rollout(shared, doctor)
    assert 0 < run.outcome.cost <= doctor.spent <= 500


def test_the_steward_and_nobody_before_sees_the_prices_of_what_is_proposed() -> None:
    doctor, llm = panel("end:", said=lambda voice: "order: mri brain\nBecause the 12-lead ecg was fine" if voice == "chooser" else voice)
    doctor.act("A woman of 64.")
    priced = [voice_of(call) for call in llm.calls if "PRICES OF WHAT IS PROPOSED" in call.messages[-1].content]
    assert priced == ["steward"]
    assert f"order: mri brain   about {MRI.cost:g} USD\n" in llm.calls[3].messages[-1].content


@pytest.mark.parametrize("ceiling", [-1, float("nan"), float("inf"), "500", True])
def test_a_ceiling_that_is_no_amount_is_refused(ceiling: Any) -> None:
    with pytest.raises(CaseError, match="ceiling_usd should be an amount"):
        PanelDoctor(Scripted([]), ceiling_usd=ceiling)


@pytest.mark.parametrize("voice", VOICES)
def test_every_prompt_of_the_panel_counts_in_its_fingerprint(voice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, read = fingerprint("panel"), library.prompt
    monkeypatch.setattr(library, "prompt", lambda name: read(name) + (" More." if name == f"panel_{voice}" else ""))
    assert fingerprint("panel") != before


def test_the_shipped_recipe_makes_a_panel_with_a_ceiling(mini: Case) -> None:
    llm = Scripted(lambda call: "end:")
    name, maker = make("panel", llm)
    assert name == "panel"
    assert rollout(mini, maker(mini)).outcome.reason == "doctor"
    assert "the ceiling is 3000 USD" in llm.calls[0].messages[-1].content
