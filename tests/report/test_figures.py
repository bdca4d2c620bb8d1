"""The figures of a report, held against encounters whose verdicts are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsim.case import Case
from medsim.errors import StoreError
from medsim.evaluation.comparing import compare
from medsim.report import report
from medsim.report.tables import to_csv, to_json
from medsim.trajectory import Usage
from tests.conftest import DATA
from tests.report.shelf import card, events, item, opened, put, run

MINI = str(DATA / "mini.yaml")


def test_the_headline_is_a_mean_over_cases_with_trials_averaged_first(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a"])
    for name, verdicts in {"one": ["met", "met"], "two": ["unmet"], "three": ["met", "unmet"]}.items():
        for trial, verdict in enumerate(verdicts):
            put(store, "r", "a", case_id=name, trial=trial, scored=card(None, [item("x", verdict)], case_id=name), identity=identity)
    row = report(store, ["r"]).figures["headline"][0]
    assert row["score"]["value"] == pytest.approx((1 + 0 + 0.5) / 3)
    assert row["micro"]["value"] == pytest.approx(3 / 5)
    assert row["score"]["low"] <= row["score"]["value"] <= row["score"]["high"]
    assert (row["cases"], row["ended"]) == (3, 5)


def test_no_critical_harm_is_bounded_by_the_rule_of_three_and_listed_harms_have_turn_and_words(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["careful", "rash"])
    for at in range(10):
        name = f"case{at}"
        spared = item("hurt", "unmet", points=-4, critical="fail")
        put(store, "r", "careful", case_id=name, scored=card(None, [item("x", "met"), spared], case_id=name), identity=identity)
        harm = item("hurt", "met", points=-4, critical="fail", evidence=(3,), text="HARM: gives it")
        put(store, "r", "rash", case_id=name, happened=events((), ("site",), doctor="I give it."), scored=card(None, [item("x", "met"), harm], case_id=name), identity=identity)  # fmt: skip
    figures = report(store, ["r"]).figures
    careful, rash = figures["headline"]
    assert careful["critical_harm"]["value"] == 0
    assert careful["critical_harm"]["high"] == pytest.approx(1 - 0.05 ** (1 / 10), abs=1e-6)
    assert "rule of three" in careful["critical_harm"]["note"]
    assert rash["critical_harm"]["value"] == 1
    assert len(figures["harms"]) == 10
    assert {(row["name"], row["turn"], row["critical"]) for row in figures["harms"]} == {("rash", 2, "fail")}
    assert "I give it." in figures["harms"][0]["words"][0]["text"]


def test_critical_harm_that_no_item_looks_for_or_that_was_not_decided_is_not_absent(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["blind", "cut"])
    for name in ("one", "two", "three"):
        put(store, "r", "blind", case_id=name, scored=card(None, [item("x", "met")], case_id=name), identity=identity)
        open_ = item("hurt", "unknown", points=-4, critical="fail", reason="cut off")
        put(store, "r", "cut", case_id=name, scored=card(None, [item("x", "met"), open_], case_id=name), identity=identity)
    headline = report(store, ["r"]).figures["headline"]
    assert len(headline) == 2
    for row in headline:
        assert row["critical_harm"]["value"] is None
        assert "nothing can be said" in row["critical_harm"]["note"]


def test_the_pareto_front_holds_who_is_not_beaten_on_both_sides(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["cheap", "dear", "waste"])
    for agent, cost, met in (("cheap", 1.0, 1), ("dear", 9.0, 3), ("waste", 9.0, 2)):
        for name in ("one", "two"):
            items = [item(f"x{at}", "met" if at < met else "unmet") for at in range(4)]
            put(store, "r", agent, case_id=name, cost=cost, scored=card(None, items, case_id=name), identity=identity)
    rows = report(store, ["r"]).figures["efficiency"]
    assert {row["name"]: row["front"] for row in rows if row["axis"] == "cost"} == {"cheap": True, "dear": True, "waste": False}
    assert all(row["front"] is None and "No tokens" in row["note"] for row in rows if row["axis"] == "tokens")


def test_tokens_are_those_of_the_doctors_models_and_usage_is_told_by_role(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a"])
    used = {"doctor": Usage(3, 100, 20, 0.01), "patient": Usage(3, 500, 50, 0.02)}
    put(store, "r", "a", case_id="one", scored=card(None, [item("x", "met")], case_id="one"), identity=identity, usage=used)
    figures = report(store, ["r"]).figures
    assert figures["headline"][0]["tokens"]["value"] == 120
    assert figures["headline"][0]["model_usd"]["value"] == pytest.approx(0.03)
    assert [(row["role"], row["tokens_in"]) for row in figures["usage"]] == [("doctor", 100), ("patient", 500)]


def test_reasons_why_verdicts_are_unknown_are_counted_and_lower_nothing_to_zero(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a"])
    items = [item("x", "met"), item("y", "unknown", reason="needs a judge"), item("z", "unknown", reason="needs a judge"), item("w", "na")]
    put(store, "r", "a", case_id="one", scored=card(None, items, case_id="one"), identity=identity)
    put(store, "r", "a", case_id="two", status="error", reason="LLMError", error="the model is away", identity=identity)
    figures = report(store, ["r"]).figures
    assert figures["headline"][0]["score"]["value"] == 1
    assert figures["headline"][0]["errors"] == 1
    assert [(row["what"], row["reason"], row["count"]) for row in figures["unknowns"]] == [
        ("encounter", "the encounter failed: the model is away", 1), ("item", "needs a judge", 2),
    ]  # fmt: skip
    covered = figures["coverage"][0]
    assert (covered["applicable"], covered["unknown"], covered["flagged"]) == (3, 2, 1)


def test_the_disclosure_curve_counts_each_fact_once_and_stays_where_an_encounter_ended(tmp_path: Path, mini: Case) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a", "b"])
    facts = [fact.id for fact in mini.patient.every_fact() if fact.tier != "never"]
    assert len(facts) == 7
    put(
        store,
        "r",
        "a",
        case=mini,
        happened=events(("site",), ("site", "onset"), ("pill",)),
        scored=card(mini, [item("x", "met")]),
        identity=identity,
    )
    put(store, "r", "b", case=mini, happened=events(("hidden", "opening")), scored=card(mini, [item("x", "met")]), identity=identity)
    first, second = report(store, ["r"], places=[MINI]).figures["disclosure"]
    assert first["share"] == pytest.approx([0, 1 / 7, 2 / 7, 3 / 7], abs=1e-6)
    assert second["share"] == [0, 0, 0, 0]
    assert second["last_turn"] == 1


def test_a_fact_that_was_missed_names_the_unmet_items_that_asking_would_have_served(tmp_path: Path, mini: Case) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["asks", "misses"])
    put(store, "r", "asks", case=mini, happened=events(("smoking",), ("onset",)), scored=card(mini, [item("smoke_first", "met"), item("onset", "met")]), identity=identity)  # fmt: skip
    put(store, "r", "misses", case=mini, happened=events((), topics=["meds.erectile"]), scored=card(mini, [item("smoke_first", "unmet"), item("onset", "unmet")]), identity=identity)  # fmt: skip
    rows = {row["fact"]: row for row in report(store, ["r"], places=[MINI]).figures["missed"]}
    assert [one["item"] for one in rows["smoking"]["unlocks"]] == ["smoke_first"]
    assert rows["smoking"]["never_asked"] == rows["smoking"]["missed_by"] == 1
    assert {arm["name"]: (arm["found"], arm["asked"]) for arm in rows["pill"]["arms"]} == {"asks": (0, 0), "misses": (0, 1)}
    assert "hidden" not in rows


def test_the_hardest_items_come_first_by_the_mean_over_agents(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a", "b"])
    for agent, easy, hard in (("a", "met", "unmet"), ("b", "met", "met")):
        for trial in range(2):
            items = [item("easy", easy), item("hard", hard), item("harm", "met", points=-1)]
            put(store, "r", agent, case_id="one", trial=trial, scored=card(None, items, case_id="one"), identity=identity)
    rows = report(store, ["r"]).figures["items"]
    assert [(row["item"], row["share"]) for row in rows] == [("hard", 0.5), ("easy", 1.0)]


def test_agents_are_compared_case_by_case_and_the_power_is_told_in_plain_words(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a", "b"])
    for at in range(20):
        for agent in ("a", "b"):
            met = at % 7 + (2 if agent == "a" and at % 2 else 0)
            items = [item(f"x{n}", "met" if n < met else "unmet") for n in range(10)]
            put(store, "r", agent, case_id=f"c{at:02}", scored=card(None, items, case_id=f"c{at:02}"), identity=identity)
    figures = report(store, ["r"]).figures
    (row,) = figures["differences"]
    assert row["difference"]["value"] == pytest.approx(0.1)
    assert row["p"] < 0.01
    assert row["p_holm"] == row["p"]
    assert row["claim"].startswith("20 cases support differences of ")
    assert figures["limits"][0].startswith(row["claim"])
    assert [rank["name"] for rank in figures["ranks"]] == ["a", "b"]


def test_report_and_compare_tell_the_same_differences(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a", "b", "c"])
    for at in range(12):
        for number, agent in enumerate(("a", "b", "c")):
            items = [item(f"x{n}", "met" if n < (at * (number + 2)) % 7 + number else "unmet") for n in range(10)]
            put(store, "r", agent, case_id=f"c{at:02}", scored=card(None, items, case_id=f"c{at:02}"), identity=identity)
    told = compare("r", store=store)
    rows = report(store, ["r"]).figures["differences"]
    assert len(rows) == 3
    for row, contrast in zip(rows, told.contrasts, strict=True):
        assert (row["name_one"], row["name_other"]) == (contrast.one, contrast.other)
        assert row["p_holm"] == pytest.approx(contrast.p_holm, abs=1e-6)
        for end in ("value", "low", "high"):
            assert row["difference"][end] == pytest.approx(getattr(contrast.difference, end), abs=1e-6)


def test_runs_that_differ_in_more_than_the_doctor_stand_side_by_side_and_are_not_compared(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for name, patient, agent in (("r1", "scripted", "a"), ("r2", "other", "a"), ("r3", "scripted", "b")):
        identity = run(store, name, [agent], config={"patient": patient})
        for case in ("one", "two", "three"):
            put(store, name, agent, case_id=case, scored=card(None, [item("x", "met")], case_id=case), identity=identity)
    figures = report(store, ["r1", "r2", "r3"]).figures
    assert [row["name"] for row in figures["headline"]] == ["a (r1)", "a (r2)", "b"]
    assert all(row["ended"] == 3 for row in figures["headline"])
    notes = {(row["name_one"], row["name_other"]): row["difference"] for row in figures["differences"]}
    assert "patient" in notes["a (r1)", "a (r2)"]["note"]
    assert notes["a (r1)", "a (r2)"]["value"] is None
    assert notes["a (r1)", "b"]["value"] == 0
    assert figures["rank_note"].startswith("Not ranked")


def test_encounters_of_one_run_with_two_identities_are_two_arms(tmp_path: Path) -> None:
    store = opened(tmp_path)
    run(store, "r", ["a"])
    for identity in ("first", "second"):
        put(
            store,
            "r",
            "a",
            case_id=identity,
            scored=card(None, [item("x", "met" if identity == "first" else "unmet")], case_id=identity),
            identity=identity,
        )
    rows = report(store, ["r"]).figures["headline"]
    assert [(row["name"], row["score"]["value"]) for row in rows] == [("a (r, first)", 1.0), ("a (r, second)", 0.0)]


def test_another_judges_scores_are_chosen_by_name_and_never_mixed_in(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a"])
    ids = [
        put(store, "r", "a", case_id=name, scored=card(None, [item("x", "unmet")], case_id=name), identity=identity)
        for name in ("one", "two")
    ]
    store.add_score(ids[0], card(None, [item("x", "met")], case_id="one", judge="model x3"), run="r")
    plain, judged = report(store, ["r"]).figures, report(store, ["r"], judge="model x3").figures
    assert plain["headline"][0]["score"]["value"] == 0
    assert plain["scoring"]["others"] == [{"rubric": "each case's own", "judge": "model x3", "encounters": 1}]
    assert judged["headline"][0]["score"]["value"] == 1
    assert judged["headline"][0]["unscored"] == 1
    with pytest.raises(StoreError, match="model x3"):
        report(store, ["r"], judge="nobody")


def test_cases_cut_from_one_source_count_as_one(tmp_path: Path, mini: Case) -> None:
    store = opened(tmp_path)
    text = (DATA / "mini.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "pack"
    folder.mkdir()
    from medsim import case as cases

    identity = run(store, "r", ["a"])
    for at, name in enumerate(("m1", "m2", "m3")):
        shared = ', notes: ["split_group:paper"]' if at < 2 else ""
        changed = text.replace("id: mini\n", f"id: {name}\n").replace("authors: [medsim],", f"authors: [medsim]{shared},", 1)
        (folder / f"{name}.yaml").write_text(changed, encoding="utf-8")
        case = cases.load(folder / f"{name}.yaml")
        put(store, "r", "a", case=case, scored=card(case, [item("x", "met" if at else "unmet")]), identity=identity)
    figures = report(store, ["r"], places=[str(folder)]).figures
    assert figures["headline"][0]["score"]["cases"] == 2
    assert any("3 cases count as 2 independent ones" in text for text in figures["limits"])


# ---- what cannot be told ---------------------------------------------------------------------------------------------------------------


def test_a_run_in_which_nothing_ended_has_sentences_and_no_numbers(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a", "b"])
    put(store, "r", "a", case_id="one", status="error", reason="LLMError", error="away", identity=identity)
    figures = report(store, ["r"]).figures
    for row in figures["headline"]:
        for name in ("score", "micro", "pass_rate", "critical_harm", "turns", "cost", "coverage"):
            assert row[name]["value"] is None
            assert row[name]["note"].endswith(".")
    assert [row["encounters"] for row in figures["headline"]] == [1, 0]
    assert "cannot be told" in figures["limits"][0]


def test_all_unknown_is_no_zero(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a", "b"])
    for agent in ("a", "b"):
        put(store, "r", agent, case_id="one", scored=card(None, [item("x", "unknown", reason="void")], case_id="one"), identity=identity)
    figures = report(store, ["r"]).figures
    assert all(row["score"]["value"] is None and row["pass_rate"]["value"] is None for row in figures["headline"])
    assert figures["items"][0]["share"] is None
    assert figures["differences"][0]["difference"]["value"] is None
    assert figures["ranks"] == []


def test_one_case_and_one_agent_give_a_value_without_interval_and_a_sentence(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a"])
    put(store, "r", "a", case_id="one", scored=card(None, [item("x", "met")], case_id="one"), identity=identity)
    figures = report(store, ["r"]).figures
    score = figures["headline"][0]["score"]
    assert (score["value"], score["low"]) == (1.0, None)
    assert "One case" in score["note"]
    assert figures["differences"] == []
    assert figures["limits"][0] == "One case supports no claim about a difference."


def test_an_unknown_run_or_agent_is_answered_with_the_nearest(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "first", ["alpha"])
    put(store, "first", "alpha", case_id="one", identity=identity)
    with pytest.raises(StoreError, match="Did you mean 'first'"):
        report(store, ["frist"])
    with pytest.raises(StoreError, match="Did you mean 'alpha'"):
        report(store, ["first"], agents=["alhpa"])
    with pytest.raises(StoreError, match="at least one run"):
        report(store, [])


# ---- files --------------------------------------------------------------------------------------------------------------------------


def test_csv_and_json_hold_the_same_figures_and_no_formula(tmp_path: Path) -> None:
    store = opened(tmp_path)
    hostile = '=HYPERLINK("http://x")'
    identity = run(store, "r", [hostile])
    put(
        store,
        "r",
        hostile,
        case_id="one",
        scored=card(None, [item("x", "met", text="+cmd|' /C calc'!A0\x1b[31m")], case_id="one"),
        identity=identity,
    )
    figures = report(store, ["r"]).figures
    assert json.loads(to_json(figures)) == figures
    files = to_csv(figures)
    assert len(files) == 17
    assert "1.0" in files["headline.csv"]
    everything = "".join(files.values())
    assert "\x1b" not in everything
    assert "'=HYPERLINK" in files["headline.csv"]
    assert not [
        line for text in files.values() for line in text.splitlines() if line.startswith(("=", "+", "@")) or ",=" in line or ',"=' in line
    ]


def test_the_same_store_gives_the_same_bytes(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a", "b"])
    for agent in ("b", "a"):
        for name in ("two", "one"):
            put(store, "r", agent, case_id=name, scored=card(None, [item("x", "met")], case_id=name), identity=identity)
    assert to_json(report(store, ["r"]).figures) == to_json(report(str(tmp_path / "shelf.db"), ["r"]).figures)
