"""Personas: levels in words and habits, laid over a case's own by a run; never another truth."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim import recipe as recipes
from medsim.agent.script import Script
from medsim.case import Brief, Case, dumps, loads
from medsim.case.person import Persona
from medsim.consult import Consult
from medsim.env import ConsultEnv
from medsim.episode import fork, replay, rollout
from medsim.errors import CaseError
from medsim.evaluation import Seats, episode_seed, evaluate
from medsim.llm import Scripted
from medsim.patient import personas
from medsim.patient.personas import persona_over, portrait
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Reply
from medsim.patient.voiced import VoicedPatient
from medsim.store import Store

MINI = str(Path(__file__).parents[1] / "data" / "mini.yaml")
QUESTIONS = ["ask: where is the pain?", "ask: when did it start?", "ask: have you been sweating?", "ask: do you smoke?", "ask: any cough?",
             "ask: what worries you most?"]  # fmt: skip
AXES = {name: list(axis.levels) for name, axis in personas.shipped().axes.items()}


def over(brief: Brief, **levels: Any) -> Brief:
    return persona_over(brief, levels)


def replies(case: Case, brief: Brief, *said: str, seed: int = 0) -> list[tuple[str, tuple[str, ...]]]:
    consult, seat = Consult(case, seed=seed, limits=(None, 200)), ScriptedPatient(brief)
    for message in said:
        consult.play(message, seat)
    return [(event.text, event.facts) for event in consult.events if event.kind == "reply"]


# ---- the file and the schema --------------------------------------------------------------------------------------------------------


def test_every_axis_of_a_persona_has_all_its_levels_described_and_no_other() -> None:
    assert set(AXES) == set(Persona.model_fields) - {"manner"}
    for name, field in Persona.model_fields.items():
        if name in {"talkativeness", "trust"}:
            low, high = (next(getattr(part, end) for part in field.metadata if hasattr(part, end)) for end in ("ge", "le"))
            assert AXES[name] == [str(level) for level in range(low, high + 1)]
        elif name != "manner":
            assert AXES[name] == list(get_args(field.annotation))


def test_the_default_persona_needs_no_words_and_has_no_habits() -> None:
    assert portrait(Persona()) == ""
    assert all(level.does == personas.Habit() for level in personas.levels(Persona()).values())


def test_every_other_level_is_told_to_a_model_that_plays_it() -> None:
    default = Persona()
    told = [
        portrait(default.model_copy(update=personas.checked({name: level})))
        for name, known in AXES.items()
        for level in known
        if level != str(getattr(default, name))
    ]
    assert all(told)
    assert len(set(told)) == len(told) > 30


def test_axes_that_came_later_leave_the_hash_of_an_older_case_alone_and_are_kept_where_they_are_set(mini: Case) -> None:
    assert set(mini.model_dump()["patient"]["persona"]).isdisjoint({"confusion", "temperament", "personality"})
    muddled = loads(dumps(mini).replace("persona:", "persona:\n    confusion: marked", 1))
    assert (muddled.patient.persona.confusion, muddled.hash != mini.hash) == ("marked", True)
    assert loads(dumps(muddled)).hash == muddled.hash


# ---- laid over a case's own ---------------------------------------------------------------------------------------------------------


def test_an_override_changes_the_person_and_no_fact(mini: Case) -> None:
    brief = over(mini.brief(), recall="low", temperament="impatient")
    assert (brief.persona.recall, brief.persona.temperament, brief.persona.talkativeness) == ("low", "impatient", 3)
    assert brief._replace(persona=mini.brief().persona) == mini.brief()
    assert persona_over(mini.brief(), {}) == mini.brief()


def test_less_trust_at_the_start_keeps_a_guarded_fact_back_and_more_opens_it(mini: Case) -> None:
    (fact,) = (fact for fact in mini.brief().facts if fact.tier == "sensitive")
    asked = ("say: All you tell me is confidential.", "ask: do you take viagra or anything like it?")
    assert fact.id not in replies(mini, over(mini.brief(), trust=0), *asked)[-1][1]
    assert fact.id in replies(mini, over(mini.brief(), trust=5), *asked)[-1][1]


def test_a_slip_in_an_override_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"No persona axis 'recal'.*Did you mean 'recall'"):
        personas.checked({"recal": "low"})
    with pytest.raises(CaseError, match="Did you mean 'health_literacy'"):
        personas.checked({"literacy": "low"})
    with pytest.raises(CaseError, match=r"'temperament' has no level 'impatent'.*Did you mean 'impatient'"):
        personas.checked({"temperament": "impatent"})
    for wrong in (9, True, 2.5, None):
        with pytest.raises(CaseError, match="Levels: 0, 1, 2, 3, 4, 5"):
            personas.checked({"trust": wrong})
    with pytest.raises(CaseError, match="a line of free words"):
        personas.checked({"manner": {"posture": "stiff"}})
    own = tmp_path / "own.yaml"
    own.write_text("schema: medsim.env/1\npersona: {temperament: impatent}\n")
    with pytest.raises(CaseError, match="Did you mean 'impatient'"):
        recipes.load(str(own))


def test_a_persona_is_written_on_a_command_line_as_pairs() -> None:
    assert personas.read(" recall=low, trust=4 ,") == {"recall": "low", "trust": 4}
    assert personas.read("") == {}
    for wrong in ("recall", "recall=low,recall=high"):
        with pytest.raises(CaseError, match="axis=level"):
            personas.read(wrong)


def test_a_persona_has_nothing_to_say_where_facts_are_read_out_and_results_are_only_told_to_a_played_patient() -> None:
    with pytest.raises(ValueError, match="word for word"):
        recipes.Recipe(patient="factselect", persona={"recall": "low"})
    with pytest.raises(CaseError, match="word for word"):
        Seats(Scripted([]), "factselect", persona={"recall": "low"}).under(recipes.Recipe(id="own"))
    with pytest.raises(ValueError, match="write patient: role"):
        recipes.Recipe(results_told=True)


def test_a_recipes_persona_reaches_every_kind_of_patient(mini: Case) -> None:
    recipe = recipes.Recipe(id="own", persona={"language": "A1"})
    llm = Scripted(lambda call: "Ten a day.")
    for kind in ("scripted", "voiced", "role", "direct", "instruct"):
        seats = Seats(llm, kind).under(recipe)
        consult = Consult(mini)
        consult.play("ask: do you smoke?", seats.patient_of(mini))
        assert "only a few words of the language" in ("".join(call.messages[0].content for call in llm.calls) or _words(seats, mini))
        llm.calls.clear()


def test_levels_chosen_for_the_seats_stand_before_those_of_the_recipe() -> None:
    seats = Seats(persona={"recall": "medium"}).under(recipes.Recipe(id="own", persona={"recall": "low", "trust": 4}))
    assert seats.persona == {"recall": "medium", "trust": 4}


def _words(seats: Seats, case: Case) -> str:
    seat = seats.patient_of(case)
    assert isinstance(seat, ScriptedPatient)
    return portrait(seat.brief.persona)


def test_an_environment_seats_the_persona_of_its_recipe() -> None:
    env = ConsultEnv(MINI, recipe=recipes.Recipe(id="own", persona={"language": "A1"}))
    env.reset(seed=1)
    assert "It began about an... hour ago." in env.step("ask: when did it start?")[0]


def test_a_recipe_with_a_persona_is_another_run(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "r.db"))
    given: tuple[dict[str, Any], ...] = ({}, {"recall": "low"}, {"recall": "medium"})
    found = [evaluate(["inert"], recipe=recipes.Recipe(id="own", persona=levels), cases=[MINI], store=store).identity for levels in given]
    assert len(set(found)) == 3


def test_with_and_without_a_persona_or_bias_the_same_case_and_trial_have_the_same_seed(tmp_path: Path) -> None:
    def seeds(recipe: recipes.Recipe) -> dict[tuple[str, int], int]:
        store = Store(str(tmp_path / f"{recipe.id}.db"))
        llm = Scripted(lambda call: "Ten a day.")
        done = evaluate(["interviewer"], recipe=recipe, cases=[MINI, "winter-cough"], trials=3, seed=7, store=store, seats=Seats(llm))
        assert (done.played, done.errors) == (6, [])
        return {(row["case_id"], row["trial"]): row["seed"] for row in store.rows()}

    plain = seeds(recipes.Recipe(id="plain"))
    assert plain == seeds(recipes.Recipe(id="slow", persona={"recall": "low", "confusion": "marked"}))
    assert plain == seeds(recipes.Recipe(id="biased", patient="role", bias="recency", target="asthma"))
    assert plain == {(case, trial): episode_seed(7, case, trial) for case in ("mini", "winter-cough") for trial in range(3)}
    assert len(set(plain.values())) == 6


# ---- never another truth ------------------------------------------------------------------------------------------------------------

LEVELS = st.fixed_dictionaries({}, optional={name: st.sampled_from(known) for name, known in AXES.items()})


@given(LEVELS, st.integers(0, 2**31 - 1))
def test_whatever_the_persona_what_is_told_is_told_in_the_cases_own_words(mini: Case, levels: dict[str, Any], seed: int) -> None:
    brief = persona_over(mini.brief(), levels)
    wordings = {fact.id: fact.say for fact in brief.facts}
    for text, facts in replies(mini, brief, *QUESTIONS, seed=seed):
        whole = text.replace("... ", " ")
        for name in facts:
            assert any(words.replace("... ", " ") in whole for words in wordings[name])


@given(LEVELS, st.integers(0, 2**31 - 1))
def test_whatever_the_persona_patience_brings_all_that_anybody_tells(mini: Case, levels: dict[str, Any], seed: int) -> None:
    levels = {name: level for name, level in levels.items() if name not in {"trust", "talkativeness"}}
    plain = {name for _, facts in replies(mini, mini.brief(), *QUESTIONS) for name in facts}
    again = list(itertools.chain.from_iterable([question] * 12 for question in QUESTIONS))
    odd = {name for _, facts in replies(mini, persona_over(mini.brief(), levels), *again, seed=seed) for name in facts}
    assert plain <= odd


@given(LEVELS, st.integers(0, 2**31 - 1))
def test_whatever_the_persona_the_same_seed_gives_the_same_talk_and_a_replay_agrees(mini: Case, levels: dict[str, Any], seed: int) -> None:
    brief = persona_over(mini.brief(), levels)
    run = rollout(mini, Script([*QUESTIONS, *QUESTIONS, "end:"]), seed=seed, patient=ScriptedPatient(brief))
    assert run.events == rollout(mini, Script([*QUESTIONS, *QUESTIONS, "end:"]), seed=seed, patient=ScriptedPatient(brief)).events
    assert replay(mini, run).events == run.events
    later = fork(mini, run, turn=len(QUESTIONS))
    for message in [*QUESTIONS, "end:"]:
        later.play(message, ScriptedPatient(brief))
    assert later.events == run.events


@pytest.mark.parametrize(
    ("says", "source"), [("It will not come to me.", "voiced"), ("No, I don't smoke.", "template"), ("Yes.", "template")]
)
def test_a_voiced_patient_holds_back_what_the_template_holds_back_and_does_not_decide_it(mini: Case, says: str, source: str) -> None:
    brief = over(mini.brief(), recall="low")
    for seed in range(20):
        llm, consult = Scripted(lambda call: says), Consult(mini, seed=seed)
        consult.play("ask: do you smoke?", VoicedPatient(brief, llm))
        if consult.events[-1].args.get("held"):
            break
    event = consult.events[-1]
    assert (event.args["held"], event.facts, event.args["source"]) == (["smoking"], (), source)
    assert "Ten a day" not in "".join(message.content for message in llm.calls[-1].messages)


def test_what_is_held_back_and_is_no_fact_of_the_case_is_not_recorded(mini: Case) -> None:
    class Odd:
        name = "odd"

        def reply(self, turn: Any) -> Reply:
            return Reply("Hm.", held=("nonsense",))

    consult = Consult(mini)
    consult.play("ask: do you smoke?", Odd())
    assert "held" not in consult.events[-1].args
