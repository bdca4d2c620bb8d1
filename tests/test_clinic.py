"""AgentClinic's seats: the doctor's words read into our grammar, biases with a target, and the patient who plays the whole story."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim import action as act
from medsim import agent as agents
from medsim import importers
from medsim import recipe as recipes
from medsim.agent.clinic import AGAIN, LAST, ClinicDoctor, is_examination, read
from medsim.agent.observation import look
from medsim.case import Case
from medsim.consult import Consult
from medsim.episode import replay, rollout
from medsim.errors import CaseError, LLMError
from medsim.evaluation import evaluate
from medsim.evaluation.seats import Seats
from medsim.importers import agentclinic
from medsim.llm import Call, Scripted
from medsim.patient import biases
from medsim.patient.role import Disclosure, RolePatient
from medsim.trajectory import Event
from tests.conftest import DATA


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("Where does it hurt?", [act.ask("Where does it hurt?")]),
        ("Doctor: I am sorry to hear that.", [act.say("I am sorry to hear that.")]),
        ("REQUEST TEST: [Chest_X-Ray]", [act.order("Chest X-Ray")]),
        ("REQUEST TEST: Chest_X-Ray", [act.order("Chest X-Ray")]),
        ("REQUEST TEST:\n[ECG]", [act.order("ECG")]),
        ("**REQUEST TEST:** `ECG`.", [act.order("ECG")]),
        ("Request Test: ECG", [act.order("ECG")]),
        ("REQUEST\u00a0TEST:\u00a0[ECG]", [act.order("ECG")]),
        ("REQUEST TEST: [ECG]" + " \t" * 30 + "\n" * 30 + "Do you smoke?", [act.order("ECG"), act.ask("Do you smoke?")]),
        ("REQUEST TEST: [ECG", [act.order("ECG")]),
        ("REQUEST TEST: [CBC], [ECG]", [act.order("CBC"), act.order("ECG")]),
        ("REQUEST TEST: [CBC] REQUEST TEST: [ECG]", [act.order("CBC"), act.order("ECG")]),
        ("1. REQUEST TEST: CBC\n2. REQUEST TEST: ECG", [act.order("CBC"), act.order("ECG")]),
        ("REQUEST TEST: [Neurological_Examination]", [act.examine("Neurological Examination")]),
        ("REQUEST IMAGES", [act.order("image")]),
        ("Let me look. REQUEST IMAGES: [skin]", [act.say("Let me look."), act.order("image")]),
        ("<think>DIAGNOSIS READY: [Flu]</think>Do you smoke?", [act.ask("Do you smoke?")]),
        ("I shall request tests later.", [act.say("I shall request tests later.")]),
    ],
)
def test_the_words_of_the_doctor_become_actions(said: str, done: list[act.Action]) -> None:
    assert list(read(said).actions) == done


@pytest.mark.parametrize(
    ("said", "question", "tests"),
    [
        ("Does it spread? REQUEST TEST: [ECG]", "Does it spread?", ["ECG"]),
        ("REQUEST TEST: [ECG]\nDoes it spread?", "Does it spread?", ["ECG"]),
        ("REQUEST TEST: ECG. Does it spread?", "Does it spread?", ["ECG"]),
        ("REQUEST TEST: [ECG] to see your heart. Does it spread?", "Does it spread?", ["ECG"]),
        ("REQUEST TEST: [ECG], and does it spread?", "and does it spread?", ["ECG"]),
        ("REQUEST TEST: [ECG]\nDoes it spread?\nREQUEST TEST: [CBC]", "Does it spread?", ["ECG", "CBC"]),
    ],
)
def test_a_question_beside_a_request_is_not_lost(said: str, question: str, tests: list[str]) -> None:
    found = read(said).actions
    assert [action.text for action in found if action.kind == "ask"] == [question]
    assert [action.text for action in found if action.kind == "order"] == tests


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("DIAGNOSIS READY: [Myasthenia gravis]", "Myasthenia gravis"),
        ("DIAGNOSIS READY: Myasthenia_gravis.", "Myasthenia gravis"),
        ("DIAGNOSIS READY [Flu]", "Flu"),
        ("**DIAGNOSIS READY:** **Flu**", "Flu"),
        ("Thank you. Diagnosis ready: Flu", "Flu"),
        ("DIAGNOSIS READY: [Flu]. Thank you for coming.", "Flu"),
        ("DIAGNOSIS READY: E. coli sepsis. The culture grew it.", "E. coli sepsis"),
        ("DIAGNOSIS READY: St. Louis encephalitis", "St. Louis encephalitis"),
        ("DIAGNOSIS READY: I-cell disease", "I-cell disease"),
        ("DIAGNOSIS READY: Flu\nDIAGNOSIS READY: [flu]", "flu"),
    ],
)
def test_a_diagnosis_is_read_without_what_stands_around_it(said: str, name: str) -> None:
    found = read(said)
    assert found.decided
    assert [action.text for action in found.actions if action.kind == "diagnose"] == [name]
    assert not [action for action in found.actions if action.kind in {"ask", "say"}], "nobody answers what is said with it"


@pytest.mark.parametrize(
    "said",
    [
        "I do not have my DIAGNOSIS READY yet.",
        "I will say DIAGNOSIS READY: [diagnosis] when I know more.",
        "Based on this, DIAGNOSIS READY: Flu",
        "DIAGNOSIS READY",
        "DIAGNOSIS READY: [diagnosis here]",
        "DIAGNOSIS READY: []",
        "DIAGNOSIS READY: not yet",
        "DIAGNOSIS READY: I need more tests first",
        "DIAGNOSIS READY: Flu\nDIAGNOSIS READY: Pneumonia",
        "Shall I REQUEST TEST or wait?",
        "REQUEST TEST: [test]",
        "REQUEST TEST",
        "<think>Nothing comes to mind.</think>",
    ],
)
def test_what_only_looks_like_a_request_is_not_read(said: str) -> None:
    found = read(said)
    assert found.fault
    assert found.actions == ()


PIECES = [
    "REQUEST TEST",
    "REQUEST IMAGES",
    "DIAGNOSIS READY",
    ": ",
    "[",
    "]",
    "\n",
    ". ",
    "ECG",
    "order: flu",
    "flu?",
    "<think>",
    "**",
    ";",
    "_",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=12).map("".join))
def test_whatever_is_said_is_read_as_actions_or_refused_with_a_reason(said: str) -> None:
    found = read(said)
    assert bool(found.actions) != bool(found.fault)
    assert act.parse(act.show(found.actions)) == list(found.actions) or found.fault
    assert {action.kind for action in found.actions} <= {"ask", "say", "note", "order", "examine", "diagnose"}


@pytest.mark.parametrize("name", ["Physical_Examination", "Vital signs", "Heart auscultation", "Neurological Exam"])
def test_an_examination_is_told_by_its_name(name: str) -> None:
    assert is_examination(name)


@pytest.mark.parametrize("name", ["ECG", "Chest X-Ray", "CSF examination", "Urine microscopic examination", "Example antibody"])
def test_a_test_is_no_examination(name: str) -> None:
    assert not is_examination(name)


def test_an_agentclinic_doctor_plays_a_whole_encounter(mini: Case) -> None:
    llm = Scripted(["What brings you in?", "REQUEST TEST: [ECG]", "Thank you. DIAGNOSIS READY: [Inferior STEMI]"])
    run = rollout(mini, ClinicDoctor(llm), name="agentclinic", seed=3)
    assert (run.outcome.status, run.outcome.reason) == ("finished", "doctor")
    assert run.outcome.diagnosis == ("Inferior STEMI",)
    assert len(llm.calls) == 3, "waiting for a result asks nobody"
    seen = llm.calls[-1].messages[-1].content
    assert "Result in about" in seen
    assert "ST elevation" in seen
    assert replay(mini, run).events == run.events


def test_what_cannot_be_read_is_asked_for_again_and_then_said_to_the_patient(mini: Case) -> None:
    llm = Scripted(["My DIAGNOSIS READY is not there yet."] * (AGAIN + 1))
    doctor = ClinicDoctor(llm)
    doctor.reset(1)
    assert act.parse(doctor.act("[0:00] Visit")) == [act.say("My DIAGNOSIS READY is not there yet.")]
    assert len(llm.calls) == AGAIN + 1
    assert "inside a sentence" in llm.calls[1].messages[-1].content
    assert doctor.asked == 1, "asking again is no inference"


def test_a_second_saying_that_can_be_read_is_taken_and_the_first_forgotten() -> None:
    llm = Scripted(["So, DIAGNOSIS READY: Flu", "REQUEST TEST: [ECG]", "Do you smoke?"])
    doctor = ClinicDoctor(llm)
    doctor.reset(1)
    assert doctor.act("[0:00] Visit") == "order: ECG"
    doctor.act("[0:10] Result: ECG: normal")
    assert "So, DIAGNOSIS READY" not in "\n".join(message.content for message in llm.calls[-1].messages)


def test_a_model_that_only_thinks_is_an_error() -> None:
    doctor = ClinicDoctor(Scripted(["<think>Hm.</think>"] * (AGAIN + 1)))
    doctor.reset(1)
    with pytest.raises(LLMError, match="said nothing"):
        doctor.act("[0:00] Visit")


def test_the_last_turn_is_announced_and_without_a_diagnosis_the_visit_ends_without_one(mini: Case) -> None:
    llm = Scripted(lambda call: "Do you smoke?")
    run = rollout(mini, ClinicDoctor(llm, inferences=4), name="agentclinic")
    assert len(llm.calls) == 4
    assert [LAST in call.messages[-1].content for call in llm.calls] == [False, False, False, True]
    assert (run.outcome.status, run.outcome.reason, run.outcome.diagnosis) == ("finished", "doctor", ())


def test_a_verb_of_our_grammar_in_the_doctors_speech_is_only_speech(mini: Case) -> None:
    doctor = ClinicDoctor(Scripted(["I will do this:\norder: ecg; diagnose: flu"]))
    doctor.reset(1)
    assert [action.kind for action in act.parse(doctor.act(""))] == ["say"]


def test_a_result_that_comes_too_late_is_not_waited_for_and_an_alarm_is_shown_at_once() -> None:
    doctor = ClinicDoctor(Scripted(lambda call: "Do you smoke?"))
    doctor.reset(1)
    assert doctor.act("[0:10] Biopsy: Under way. Result in about 2880 min.") == "ask: Do you smoke?"
    assert doctor.act("[1:10] ECG: Under way. Result in about 30 min.") == "wait: result"
    assert doctor.act("[5:10] You see: She is grey.") == "ask: Do you smoke?"


def test_there_are_twelve_biases_for_doctors_and_eleven_for_patients() -> None:
    seats = [bias.seat for bias in biases.shipped()]
    assert (seats.count("doctor"), seats.count("patient")) == (12, 11)
    assert len({bias.text for bias in biases.shipped()}) == 23


def test_every_bias_names_its_target_in_the_prompt_of_its_seat(mini: Case) -> None:
    for bias in biases.shipped():
        if bias.seat == "doctor":
            system = ClinicDoctor(Scripted([]), bias=bias.id, target="lung  cancer").system
        else:
            system = RolePatient(mini.brief(), Scripted([]), bias=bias.id, target="lung  cancer").system
        assert "lung cancer" in system
        assert "{" not in system


def test_a_slip_in_a_bias_is_answered_with_the_nearest_and_a_target_is_needed(mini: Case) -> None:
    with pytest.raises(CaseError, match="Did you mean 'recency'"):
        ClinicDoctor(Scripted([]), bias="recensy", target="flu")
    with pytest.raises(CaseError, match="No bias 'status_quo' for the patient"):
        RolePatient(mini.brief(), Scripted([]), bias="status_quo", target="flu")
    with pytest.raises(CaseError, match="needs a target: diagnosis"):
        ClinicDoctor(Scripted([]), bias="recency")
    with pytest.raises(CaseError, match="without a bias"):
        ClinicDoctor(Scripted([]), target="flu")


def test_a_recipe_of_ones_own_sets_a_bias_and_is_another_agent_by_its_fingerprint(tmp_path: Path) -> None:
    own = tmp_path / "biased.yaml"
    own.write_text("schema: medsim.agent/1\nid: biased\nkind: agentclinic\nparams: {bias: confirmation, target: lung cancer}\n")
    _, maker = agents.make(str(own), Scripted([]))
    made = maker(recipes.case_named(str(DATA / "mini.yaml")))
    assert isinstance(made, ClinicDoctor)
    assert "confident that this patient has lung cancer" in made.system
    assert agents.fingerprint(str(own)) != agents.fingerprint("agentclinic")


def test_a_played_patient_is_given_the_story_and_no_diagnosis(mini: Case) -> None:
    llm = Scripted(lambda call: "Ten a day.")
    consult = Consult(mini)
    consult.play("ask: do you smoke?", RolePatient(mini.brief(), llm))
    event = consult.events[-1]
    assert (event.text, event.facts, event.args["source"]) == ("Ten a day.", ("smoking",), "role")
    seen = "\n".join(message.content for call in llm.calls for message in call.messages)
    assert "It began about an hour ago." in seen
    for closed in ("STEMI", "infarction", "I have a fever"):
        assert closed not in seen


def test_a_played_patient_remembers_the_talk_and_forgets_it_with_the_next_encounter(mini: Case) -> None:
    llm = Scripted(lambda call: f"Answer {len(call.messages)}.")
    patient = RolePatient(mini.brief(), llm)
    consult = Consult(mini)
    consult.play("ask: do you smoke?", patient)
    consult.play("ask: any cough?", patient)
    Consult(mini).play("ask: do you smoke?", patient)
    assert [len(call.messages) for call in llm.calls] == [2, 4, 2]


def test_a_secret_that_a_played_patient_names_is_held_back(mini: Case) -> None:
    consult = Consult(mini)
    consult.play("ask: what do you think it is?", RolePatient(mini.brief(), Scripted(["It is an infarction, I am sure."])))
    assert consult.events[-1].args["withheld"] is True
    assert "infarction" not in consult.events[-1].text


def test_a_failing_model_of_the_patient_is_an_error_and_never_a_reply(mini: Case) -> None:
    doctor = ClinicDoctor(Scripted(lambda call: "Do you smoke?"))
    run = rollout(mini, doctor, patient=RolePatient(mini.brief(), Scripted([LLMError("gone")])))
    assert (run.outcome.status, run.outcome.reason) == ("error", "LLMError")
    assert [event for event in run.events if event.kind == "reply"] == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("It all began about an hour ago.", ("onset",)),
        ("No, but I came out in a sweat.", ("sweats",)),
        ("I came out in a sweat. No cough.", ("sweats", "cough")),
        ("I have a bad cough.", ()),
        ("I did not come out in a sweat.", ()),
        ("It began two hours ago.", ()),
        ("I smoke twenty cigarettes a day.", ()),
        ("I am fine.", ()),
        ("I took 20 mg of my tablets.", ()),
        ("Yes, I took 10 mg of my tablets yesterday.", ("tablets",)),
        ("My left knee is in pain, but I had no injury.", ("knee",)),
        ("My left knee is in pain after an injury.", ()),
    ],
)
def test_what_was_told_is_computed_from_the_words(said: str, told: tuple[str, ...]) -> None:
    facts = {
        "onset": ("It began about an hour ago.",),
        "sweats": ("I came out in a sweat.",),
        "smoking": ("Ten a day.",),
        "cough": ("No cough.",),
        "knee": ("I have pain in my left knee, but no injury.",),
        "tablets": ("I take 10 mg tablets.", "I took 10 mg of my tablets."),
    }
    assert Disclosure(facts).of(said) == told


def test_a_role_is_a_kind_of_patient_in_a_run(mini: Case) -> None:
    def say(call: Call) -> str:
        return "Ten a day."

    seats = Seats(Scripted(say), "role", bias="self_diagnosis", target="lung cancer")
    patient = seats.patient_of(mini)
    assert isinstance(patient, RolePatient)
    assert patient.name == "role:self_diagnosis=lung cancer"
    with pytest.raises(CaseError, match="role patient needs a language model"):
        Seats(patient="role").patient_of(mini)


def test_an_environment_seats_the_played_patient_with_its_bias_on_the_same_seeds(tmp_path: Path) -> None:
    def played(bias: str, target: str) -> tuple[Scripted, list[int | None]]:
        llm = Scripted(lambda call: "Ten a day." if call.role == "patient" else "Do you smoke?")
        recipe = recipes.Recipe(id="own", patient="role", bias=bias, target=target)
        done = evaluate(
            ["agentclinic"], recipe=recipe, cases=[str(DATA / "mini.yaml")], trials=2, store=str(tmp_path / "r.db"), seats=Seats(llm)
        )
        assert (done.played, done.errors) == (2, [])
        return llm, [call.seed for call in llm.calls]

    plain, seeds = played("", "")
    biased, again = played("self_diagnosis", "lung cancer")
    assert seeds == again
    assert len(set(seeds)) == 2
    of_patient = [{call.messages[0].content for call in llm.calls if call.role == "patient"} for llm in (plain, biased)]
    assert [any("lung cancer" in system for system in systems) for systems in of_patient] == [False, True]


def test_an_environment_answers_a_slip_in_a_bias_and_refuses_one_without_a_played_patient(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("schema: medsim.env/1\npatient: role\nbias: self_diagnoses\ntarget: flu\n")
    with pytest.raises(CaseError, match="Did you mean 'self_diagnosis'"):
        recipes.load(str(own))
    own.write_text("schema: medsim.env/1\npatient: voiced\nbias: self_diagnosis\ntarget: flu\n")
    with pytest.raises(CaseError, match="patient: role"):
        recipes.load(str(own))


# ---- pictures ----------------------------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
ADDRESS = "https://example.org/images?id=IC20240111&width=1500"
CHALLENGE = {
    "image_url": ADDRESS,
    "question": "A 34-year-old man had a blue tongue. What is the most likely diagnosis?",
    "patient_info": "For your role as a patient, you are a 34-year-old man who has noticed a blue tongue.",
    "physical_exams": "Imaging results: - CT scan of the neck: Swollen tongue",
    "answers": [{"text": "Ink tongue", "correct": True}, {"text": "Cyanosis", "correct": False}],
}
TALK = ("What brings you in?", "REQUEST IMAGES", "Does it hurt?", "DIAGNOSIS READY: [Ink tongue]")


@pytest.fixture
def pictured(tmp_path: Path) -> Case:
    """A challenge whose picture lies beside it."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "IC20240111.png").write_bytes(PNG)
    (tmp_path / "set.jsonl").write_text(json.dumps(CHALLENGE))
    imported = agentclinic.load(tmp_path / "set.jsonl", images=tmp_path / "pictures")
    folder = importers.write("agentclinic", imported, tmp_path / "pack")
    return recipes.load_cases([str(folder)])[0]


@pytest.fixture
def addressed(tmp_path: Path) -> Case:
    """The same with its publisher's address alone."""
    (tmp_path / "bare.jsonl").write_text(json.dumps(CHALLENGE))
    return agentclinic.load(tmp_path / "bare.jsonl").cases[0]


def carried(llm: Scripted) -> list[list[str]]:
    """The pictures of each call."""
    return [[picture for message in call.messages for picture in message.images] for call in llm.calls]


def test_a_picture_goes_with_the_call_after_the_request_and_stays_in_the_talk(pictured: Case) -> None:
    llm = Scripted(TALK)
    run = rollout(pictured, ClinicDoctor(llm), name="agentclinic")
    assert run.outcome.diagnosis == ("Ink tongue",)
    shown = carried(llm)
    assert [len(pictures) for pictures in shown] == [0, 0, 1, 1]
    assert shown[2][0].startswith("data:image/png;base64,")
    assert llm.calls[2].messages[-1].images, "it comes with the message that answers the request"
    assert replay(pictured, run).events == run.events


def test_without_a_file_of_ones_own_the_address_is_passed_on(addressed: Case) -> None:
    llm = Scripted(TALK)
    rollout(addressed, ClinicDoctor(llm))
    assert carried(llm) == [[], [], [ADDRESS], [ADDRESS]]


def test_a_picture_from_the_start_is_there_before_the_first_word_and_costs_no_inference(pictured: Case) -> None:
    llm = Scripted([TALK[0], TALK[2], TALK[3]])
    doctor = ClinicDoctor(llm, images="start")
    run = rollout(pictured, doctor)
    assert [len(pictures) for pictures in carried(llm)] == [1, 1, 1]
    assert doctor.asked == 3
    assert "REQUEST IMAGES" not in doctor.system
    assert [event.kind for event in run.events if event.args.get("url")] == ["result"]


def test_a_case_without_a_picture_is_not_disturbed_by_looking_for_one(mini: Case) -> None:
    heard = []
    for images in ("never", "start"):
        llm = Scripted(["What brings you in?", "DIAGNOSIS READY: [Inferior STEMI]"])
        rollout(mini, ClinicDoctor(llm, images=images))  # type: ignore[arg-type]
        heard.append(llm.calls[0].messages[1].content)
        assert carried(llm) == [[], []]
    assert heard[0] == heard[1]


@pytest.mark.parametrize("sees", [False, None])
def test_a_model_that_takes_no_pictures_has_the_words_in_their_place(pictured: Case, sees: bool | None) -> None:
    llm = Scripted(TALK)
    if sees is not None:
        llm.sees = lambda call: sees  # type: ignore[attr-defined]
    rollout(pictured, ClinicDoctor(llm, images="request" if sees is not None else "never"))
    assert not any(carried(llm))
    assert "The image of this case" in llm.calls[2].messages[-1].content


def test_a_picture_that_went_bad_is_an_error_of_the_encounter_that_names_the_file(pictured: Case) -> None:
    folder = pictured.folder
    assert folder is not None
    (held,) = (folder / "images").iterdir()
    held.write_bytes(b"<html>gone</html>")
    run = rollout(pictured, ClinicDoctor(Scripted(TALK)))
    assert (run.outcome.status, run.outcome.reason) == ("error", "CaseError")
    assert held.name in run.error
    fine = rollout(pictured, ClinicDoctor(Scripted(TALK), images="never"))
    assert fine.outcome.status == "finished", "who does not look reads no file"


def test_a_picture_outside_the_folder_of_its_case_or_at_no_web_address_is_not_shown(pictured: Case, tmp_path: Path) -> None:
    (tmp_path / "private.png").write_bytes(PNG)
    for args in ({"media": "x", "path": "../private.png"}, {"media": "x", "url": "file:///etc/passwd"}, {"media": "x"}):
        assert look(pictured, [Event(0, 0, 0, "controller", "result", "Shown.", args=args)]).pictures == ()


def test_when_pictures_are_shown_is_one_of_three_words() -> None:
    with pytest.raises(CaseError, match="request, start, never"):
        ClinicDoctor(Scripted([]), images="always")  # type: ignore[arg-type]


def test_an_observation_is_text_to_an_agent_that_knows_nothing_of_pictures(pictured: Case) -> None:
    run = rollout(pictured, agents.make("shotgun")[1](pictured), name="shotgun")
    assert run.outcome.status in {"finished", "truncated"}
