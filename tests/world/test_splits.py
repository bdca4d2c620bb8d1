"""Sets are kept apart by template or world, never by patient."""

from __future__ import annotations

import numpy as np
import pytest

from medsim import world
from medsim.errors import ActionError, CaseError
from medsim.world.procedural import random_world
from medsim.world.splits import Splits, held_out, memorisation, split, split_worlds, templates

THROAT = world.load("sore-throat")


def made(seed: int = 0, n: int = 400) -> Splits:
    return split(THROAT, n=n, seed=seed, others=[random_world(1, conditions=6, findings=12)])


def test_train_and_template_share_no_template_and_iid_has_none_that_is_held_out() -> None:
    sets = made()
    names = {name: set(templates(bank.tables, bank.patients)) for name, bank in vars(sets).items() if name != "world"}
    assert len(names["train"]) > 10
    assert len(names["template"]) > 3
    for name in ("train", "iid", "noise"):
        assert names[name].isdisjoint(names["template"]), name
    assert len(names["iid"] & names["train"]) > len(names["iid"]) / 2


def test_what_is_held_out_does_not_depend_on_the_seed_and_no_two_sets_share_patients() -> None:
    first, second = made(seed=1), made(seed=2)
    seen = set(templates(first.train.tables, first.train.patients))
    assert seen.isdisjoint(templates(second.template.tables, second.template.patients))
    assert not np.array_equal(first.train.patients.reported, first.iid.patients.reported)
    again = made(seed=1)
    assert np.array_equal(first.train.patients.reported, again.train.patients.reported)


def test_the_noise_set_is_noisier_and_a_held_out_world_is_another_one() -> None:
    sets = made(n=2000)
    wrong = {}
    for name in ("iid", "noise"):
        bank = getattr(sets, name)
        history = [f for f, finding in enumerate(THROAT.findings) if finding.kind == "history" and not finding.parent]
        present = bank.patients.present
        wrong[name] = float((present[:, history] != (bank.patients.reported[:, history] >= 2)).mean())
    assert wrong["noise"] > 1.3 * wrong["iid"]
    assert sets.world[0].tables.world.id != THROAT.id
    with pytest.raises(CaseError, match="cannot be held out"):
        split(THROAT, n=10, seed=0, others=[THROAT])


def test_worlds_part_by_their_ids() -> None:
    train, out = split_worlds([random_world(seed, conditions=4, findings=8) for seed in range(20)])
    assert len(train) + len(out) == 20
    assert len(out) >= 1
    assert {w.id for w in train}.isdisjoint(w.id for w in out)
    with pytest.raises(CaseError, match="more worlds"):
        split_worlds([THROAT])


def test_a_share_of_names_is_held_out() -> None:
    assert held_out([f"case-{i}" for i in range(2000)], share=0.3).mean() == pytest.approx(0.3, abs=0.04)
    with pytest.raises(ActionError, match="between 0 and 1"):
        held_out(["a"], share=1.0)


def test_a_world_with_too_few_templates_says_so() -> None:
    bare = random_world(3, conditions=2, findings=4).model_copy(update={"opening": "none"})
    with pytest.raises(CaseError, match="too few templates"):
        split(bare, n=5, seed=0, share=0.0001)


def test_the_memorisation_number_is_the_train_to_template_gap() -> None:
    rng = np.random.default_rng(0)
    gap = memorisation(rng.normal(0.9, 0.1, 500), rng.normal(0.5, 0.1, 500))
    assert gap.low < 0.4 < gap.high
    none = memorisation(rng.normal(0.5, 0.1, 500), rng.normal(0.5, 0.1, 500))
    assert none.low < 0 < none.high
    with pytest.raises(ActionError, match="two returns"):
        memorisation(np.array([1.0]), np.array([1.0, 0.0]))
