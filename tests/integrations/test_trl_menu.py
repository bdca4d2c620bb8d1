"""One token an action: rollouts as TRL takes them, played without TRL."""

from __future__ import annotations

import random

import pytest

from medsim.errors import ActionError
from medsim.integrations import trl
from medsim.integrations.trl_menu import MenuRollout
from medsim.world.game import game
from medsim.world.patients import keys
from medsim.world.single import WorldEnv


def letters(text: str) -> list[int]:
    return list(text.encode())


PLAY = game("sore-throat", task="inquiry")
TOKENS = range(1000, 1000 + PLAY.actions)


def by_chance(seed: int) -> MenuRollout:
    chance = random.Random(seed)

    def generate(contexts: list[list[int]], allowed: list[list[int]]) -> tuple[list[int], list[float]]:
        assert all(context for context in contexts)
        return [chance.choice(may) for may in allowed], [-1.5 for _ in allowed]

    return MenuRollout(PLAY, letters, TOKENS, generate)


def test_a_rollout_has_what_trl_asks_for_and_only_actions_are_learnt() -> None:
    labels = [f"a{i}" for i in range(PLAY.actions)]
    prompts = [row["prompt"] for row in trl.menu_rows(PLAY, 4, seed=2, labels=labels) for _ in range(2)]
    made = by_chance(0)(prompts, object())
    assert {"prompt_ids", "completion_ids", "logprobs", "env_mask", "env_reward"} <= set(made)
    assert {len(part) for part in made.values()} == {8}
    for i, completion in enumerate(made["completion_ids"]):
        assert len(completion) == len(made["logprobs"][i]) == len(made["env_mask"][i])
        mine = [token for token, mask in zip(completion, made["env_mask"][i], strict=True) if mask]
        told = [token for token, mask in zip(completion, made["env_mask"][i], strict=True) if not mask]
        assert all(token >= 1000 for token in mine)
        assert all(token < 256 for token in told)
        assert made["env_mask"][i][0] == 1
        assert made["env_mask"][i][-1] == 1
        assert bytes(made["prompt_ids"][i]).decode() == prompts[i]
        assert made["questions"][i] == len(mine) - (mine[-1] == 1000 + PLAY.stop)
    assert trl.rollout_reward(prompts, env_reward=made["env_reward"], trainer=None) == made["env_reward"]
    assert len(set(made["env_reward"])) > 1


def test_what_a_rollout_earns_is_what_the_discrete_game_pays_for_the_same_actions() -> None:
    prompts = [trl.menu_prompt(PLAY, number, labels=[""] * PLAY.actions, listed=False) for number in range(6)]
    made = by_chance(1)(prompts)
    for number in range(6):
        env = WorldEnv(world=PLAY)
        env.reset(seed=0, options={"patient": int(keys(number, 1)[0])})
        for token, mine in zip(made["completion_ids"][number], made["env_mask"][number], strict=True):
            if mine:
                *_, info = env.step(token - 1000)
        assert made["env_reward"][number] == pytest.approx(info["return_unshaped"])


def test_one_patient_a_prompt_in_text_or_messages() -> None:
    text = trl.menu_prompt(PLAY, 17, labels=[f"a{i}" for i in range(PLAY.actions)])
    chat = [{"role": "system", "content": "Play."}, {"role": "user", "content": text}]
    first, second = by_chance(5)([text]), by_chance(5)([chat])
    assert first["completion_ids"] == second["completion_ids"]
    with pytest.raises(ActionError, match="Patient NUMBER"):
        by_chance(5)(["Hello"])


def test_a_token_that_is_no_legal_action_is_refused() -> None:
    text = trl.menu_prompt(PLAY, 1, labels=[""] * PLAY.actions, listed=False)
    with pytest.raises(ActionError, match="no legal action"):
        MenuRollout(PLAY, letters, TOKENS, lambda contexts, allowed: ([5], [0.0]))([text])
    with pytest.raises(ActionError, match="returned 0 tokens"):
        MenuRollout(PLAY, letters, TOKENS, lambda contexts, allowed: ([], []))([text])
    with pytest.raises(ActionError, match="all different"):
        MenuRollout(PLAY, letters, [1] * PLAY.actions, lambda contexts, allowed: ([], []))


def test_labels_are_one_token_each_and_all_different() -> None:
    def encode(text: str) -> list[int]:
        return [sum(text.encode())] if len(text) <= 2 else [1, 2]

    made = trl.one_token_labels(encode, 30)
    assert len({token for _, token in made}) == len({label for label, _ in made}) == 30
    with pytest.raises(ActionError, match="short labels"):
        trl.one_token_labels(lambda text: [1, 2], 3)
