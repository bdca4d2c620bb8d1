"""The ladder measures what it says, on patients that no learner met."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from medsim.bench import Arena, arena, climb
from medsim.bench.arena import PLAIN
from medsim.bench.ladder import BOUND, REFERENCE
from medsim.bench.learners import LEARNERS, Lesson
from medsim.bench.measures import calibration_error, differentials, measures
from medsim.cli import main
from medsim.errors import ActionError, CaseError
from medsim.policy import Greedy, Played, play
from medsim.policy.ppo import Terms
from medsim.world.game import Game
from tests.conftest import SHARED
from tests.policy.conftest import made, patients
from tests.world.test_ddxplus import official  # noqa: F401  (a fixture)

DATA = SHARED / "ddxplus"
QUICK = Lesson(steps=2048, hidden=(16,), terms=Terms(envs=64, length=16, batch=512), refining=Terms(envs=64, length=16, batch=512))


def placed(game: Game) -> Arena:
    return Arena("small", game)


def test_the_ladder_has_every_rung_and_a_bound_above_them() -> None:
    ladder = climb(placed(made()), seeds=2, patients=100, learned=QUICK)
    names = [row.name for row in ladder.rows]
    for name in ("prior", "chief complaint only", "ask all", "oracle", REFERENCE, BOUND, *LEARNERS.values()):
        assert name in names
    top = ladder.row(BOUND).estimate("return").value
    assert top is not None
    assert all((row.estimate("return").value or 0.0) <= top for row in ladder.rows)
    assert all(len(row.measured) == 2 for row in ladder.rows)
    assert set(ladder.curves) == set(LEARNERS.values())
    assert ladder.row(REFERENCE).regrets == [0.0, 0.0]


def test_regret_is_taken_on_the_same_patients() -> None:
    ladder = climb(placed(made()), seeds=2, patients=150, cheats=False)
    greedy = ladder.row(REFERENCE)
    for row in ladder.rows:
        for seed in range(2):
            ours, theirs = row.measured[seed]["return"], greedy.measured[seed]["return"]
            assert ours is not None
            assert theirs is not None
            assert row.regrets[seed] == pytest.approx(theirs - ours, abs=1e-5)


def test_a_seed_always_means_the_same_patients_and_trainings_never_draw_them() -> None:
    place = placed(made())
    one, same, other = (place.patients(seed, 50)[0] for seed in (0, 0, 1))
    assert np.array_equal(one.reported, same.reported)
    assert not np.array_equal(one.reported, other.reported)
    assert not np.array_equal(one.reported, place.tuning(0, 50).reported)


def test_bots_lie_below_the_honest_policy_and_shaping_pays_all_alike() -> None:
    ladder = climb(placed(made()), seeds=2, patients=300)
    first, *bots = ladder.of("bot")
    assert len(bots) >= 6
    for bot in bots:
        margin = bot.estimate("regret").value
        assert margin is not None
        assert margin > 0, bot.name
        assert bot.estimate("shaping").value == pytest.approx(first.estimate("shaping").value, abs=1e-4)


def test_a_calibrated_posterior_has_a_small_error_and_a_boast_a_large_one() -> None:
    game = made()
    played = play(Greedy(game.tables, questions=3), game, patients(game, 4000))
    boast = np.zeros_like(played.belief)
    boast[:, 0] = 1.0
    assert calibration_error(played) < 0.05
    assert calibration_error(Played(**{**vars(played), "belief": boast})) > 0.5


def test_what_must_not_be_missed_is_counted_apart_and_absent_where_there_is_none() -> None:
    game = made()
    played = play(Greedy(game.tables), game, patients(game, 500))
    grave = np.array([c.must_not_miss for c in game.tables.world.conditions])[played.condition]
    assert measures(played, game)["must_not_miss_recall"] == pytest.approx(played.success[grave].mean())
    plain = arena("trap").game
    assert measures(play(Greedy(plain.tables), plain, patients(plain, 20)), plain)["must_not_miss_recall"] is None


def test_differentials_by_hand() -> None:
    ours = np.array([[0.5, 0.495, 0.005, 0.0], [1.0, 0.0, 0.0, 0.0]])
    stated = np.array([[0.4, 0.0, 0.6, 0.0], [0.5, 0.5, 0.0, 0.0]])
    recall, precision, f1 = differentials(ours, stated)
    assert (recall, precision) == (0.5, 0.75)
    assert f1 == pytest.approx((0.5 + 2 / 3) / 2)


def test_names_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="No world"):
        arena("trapp")
    with pytest.raises(CaseError, match="own copy of DDXPlus"):
        arena(str(tmp_path))
    with pytest.raises(ActionError, match="flipped"):
        arena("random", noise=0.7)
    with pytest.raises(ActionError, match="No learner 'dager'"):
        Lesson(learners=("dager",))


def test_the_verb_prints_a_table_and_json_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "inquiry", "trap", "--seeds", "2", "--patients", "60", "--to", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert REFERENCE in out
    assert "ask forever" in out
    assert (tmp_path / "trap" / "accuracy-by-questions.png").stat().st_size > 5000
    assert json.loads((tmp_path / "trap" / "ladder.json").read_text())["seeds"] == 2
    assert main(["bench", "workup", "sore-throat", "--seeds", "1", "--patients", "40", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0]["task"] == "workup"
    assert len(found[0]["rows"][0]["by_seed"]) == 1


def test_the_verb_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, said in ((["bench", "reading"], "inquiry or workup"), (["bench", "inquiry", "--seeds", "0"], "At least one seed")):
        assert main(wrong) == 2
        assert said in capsys.readouterr().err


def test_official_patients_are_played_and_measured_under_their_published_names(official: Path) -> None:  # noqa: F811
    text = (official / "release_train_patients.csv").read_text().replace("'x'", "'Embolie pulmonaire'")
    (official / "release_train_patients.csv").write_text(text)
    (official / "release_test_patients.csv").write_text("\n".join(text.splitlines()[:121]) + "\n")
    place = arena(str(official))
    ladder = climb(place, seeds=2, patients=100, cheats=False)
    row = ladder.row(REFERENCE)
    for seed in range(2):
        one = row.measured[seed]
        assert one["GTPA@1"] == one["accuracy"]
        assert one["questions"] is not None
        assert one["IL"] == one["questions"] + 1
        assert all(0 < (one[name] or 0) <= 1 for name in ("DDR", "DDP", "DDF1"))
    drawn = [place.patients(seed, 100)[0].age.tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    with pytest.raises(ActionError, match="as they are recorded"):
        arena(str(official), noise=0.1)


@pytest.mark.skipif(not (DATA / "symptom_condition_probs.json").is_file(), reason="no copy of the DDXPlus marginals")
def test_greedy_reproduces_the_published_row_on_the_marginals() -> None:
    place = arena(str(DATA))
    assert place.game.payoff == PLAIN
    played = [play(Greedy(place.tables), place.game, place.patients(seed, 4096)[0]) for seed in range(2)]
    earned = np.concatenate([p.earned for p in played])
    assert earned.mean() == pytest.approx(0.8985, abs=4 * earned.std() / np.sqrt(len(earned)))
    assert np.concatenate([p.questions for p in played]).mean() < 8.2
