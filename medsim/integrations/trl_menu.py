"""The menu protocol: a language model plays a discrete game with one token an action, for TRL's ``rollout_func`` or any loop of one's own.

The rule: the model is asked for one token at a time and offered only the tokens of legal actions; what the encounter answers is put behind it
with ``env_mask`` 0, so that only actions are learnt. The patient is the one whose number stands in the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_letters, ascii_uppercase
from typing import Any

import numpy as np

from medsim.errors import ActionError
from medsim.world.game import Game
from medsim.world.patients import Patients, keys
from medsim.world.single import WorldEnv
from medsim.world.wording import answer, bare, questions

Encode = Callable[[str], list[int]]
Generate = Callable[[list[list[int]], list[list[int]]], tuple[Sequence[int], Sequence[float]]]
"""From contexts and the tokens allowed after each: one token each, and its log-probability among the allowed."""
_PATIENT = re.compile(r"\bPatient (\d{1,19})\b")


def one_token_labels(encode: Encode, count: int) -> list[tuple[str, int]]:
    """Return so many short labels that a tokenizer writes as one token each, all different: (label, token id)."""
    found: dict[int, str] = {}
    tried = [
        *ascii_uppercase,
        *ascii_letters[:26],
        *map(str, range(10)),
        *("".join(pair) for pair in product(ascii_uppercase, ascii_letters)),
    ]
    for label in tried:
        for text in (f" {label}", label):
            tokens = encode(text)
            if len(tokens) == 1 and tokens[0] not in found:
                found[tokens[0]] = label
                break
        if len(found) >= count:
            return [(label, token) for token, label in found.items()]
    raise ActionError(f"The tokenizer has {len(found)} short labels of one token, {count} actions need as many. Take a smaller world.")


def menu_prompt(game: Game, seed: int, *, labels: Sequence[str], listed: bool = True) -> str:
    """Return what the model reads first: who comes in with what, and (``listed``) every action with its label."""
    one = game.draw.patients(keys(seed, 1))
    world, complaint = game.tables.world, int(one.complaint[0])
    sex = "woman" if game.tables.female[one.group[0]] else "man"
    head = f"Patient {seed}: {int(one.age[0])}-year-old {sex}."
    if complaint >= 0:
        head += f" Comes with: {world.findings[complaint].name}."
    if not listed:
        return f"{head}\n"
    menu = "\n".join(f"{label} {words}" for label, words in zip(labels, action_words(game), strict=True))
    return f"{head}\nAnswer with one label at a time.\n{menu}\n"


def menu_rows(game: Game, count: int, *, seed: int, labels: Sequence[str], listed: bool = True) -> list[dict[str, Any]]:
    """Return dataset rows: a prompt with the number of its patient."""
    return [
        {"prompt": menu_prompt(game, number, labels=labels, listed=listed)} for number in range(seed * 1_000_000, seed * 1_000_000 + count)
    ]


def action_words(game: Game) -> list[str]:
    """Return every action in words, by number."""
    world, asked = game.tables.world, questions(game.tables.world)
    names = {
        **{("treat", given.id): given.name for given in world.treatments},
        **{("diagnose", known.id): bare(known.name) for known in world.conditions},
    }
    said = []
    for a, (kind, id) in enumerate(game.menu):
        if a < game.findings:
            said.append(asked[a] or f"{kind}: {world.findings[a].name}")
        else:
            said.append("stop" if kind == "stop" else f"{kind}: {names[kind, id]}")
    return said


@dataclass(eq=False)
class MenuRollout:
    """Plays one encounter for each prompt; an instance is a ``rollout_func``."""

    game: Game
    encode: Encode
    tokens: Sequence[int]
    """The token of each action, by the action's number."""
    generate: Generate
    render: Callable[[Any], str] | None = None
    """From a prompt (text, or messages) to the text the model reads; left out, the words of the messages."""

    def __post_init__(self) -> None:
        """Refuse tokens that do not stand for one action each."""
        if len(self.tokens) != self.game.actions or len(set(self.tokens)) != len(self.tokens):
            raise ActionError(
                f"One token for each of {self.game.actions} actions was expected, all different; given {len(self.tokens)}, "
                f"{len(set(self.tokens))} of them different. Make them with one_token_labels(encode, {self.game.actions})."
            )
        self._rooms: list[WorldEnv] = []  # making one costs more than playing in it

    def __call__(self, prompts: Sequence[Any], trainer: Any = None) -> dict[str, list[Any]]:
        """Return prompt_ids, completion_ids, logprobs and env_mask, and for reward functions env_reward, success, questions."""
        texts = [(self.render or _text)(prompt) for prompt in prompts]
        numbers = [_patient(text) for text in texts]
        met = {number: self.game.draw.patients(keys(number, 1)) for number in dict.fromkeys(numbers)}
        self._rooms += [WorldEnv(world=self.game) for _ in range(len(texts) - len(self._rooms))]
        running = [
            _Encounter(room, number, met[number], self.encode(text))
            for room, number, text in zip(self._rooms, numbers, texts, strict=False)
        ]
        every = list(running)
        action_of = {token: action for action, token in enumerate(self.tokens)}
        while running:
            allowed = [[self.tokens[int(a)] for a in np.flatnonzero(one.mask)] for one in running]
            chosen, logprobs = self.generate([one.prompt + one.tokens for one in running], allowed)
            if len(chosen) != len(running) or len(logprobs) != len(running):
                raise ActionError(
                    f"generate was given {len(running)} contexts and returned {len(chosen)} tokens, {len(logprobs)} logprobs."
                )
            for one, token, logprob, may in zip(running, chosen, logprobs, allowed, strict=True):
                if int(token) not in may:
                    raise ActionError(
                        f"generate returned token {int(token)}, which is no legal action here. Choose among the allowed ones."
                    )
                one.take(int(token), float(logprob), action_of[int(token)], self.encode)
            running = [one for one in running if not one.over]
        return {
            "prompt_ids": [one.prompt for one in every],
            "completion_ids": [one.tokens for one in every],
            "logprobs": [one.logprobs for one in every],
            "env_mask": [one.mine for one in every],
            "env_reward": [one.earned for one in every],
            "success": [one.success for one in every],
            "questions": [one.questions for one in every],
        }


def rollout_reward(completions: Any = None, *, env_reward: Sequence[float], **_: Any) -> list[float]:
    """Return the unshaped returns of the rollouts, for ``reward_funcs``."""
    return [float(reward) for reward in env_reward]


class _Encounter:
    """One rollout: the environment, and the tokens so far."""

    def __init__(self, room: WorldEnv, seed: int, patients: Patients, prompt: list[int]) -> None:
        self.env, self.game, self.patients, self.prompt = room, room.game, patients, prompt
        _, info = self.env.reset(seed=0, options={"patient": int(keys(seed, 1)[0])})
        self.mask: Any = info["action_mask"]
        self.tokens: list[int] = []
        self.logprobs: list[float] = []
        self.mine: list[int] = []
        self.over, self.earned, self.success, self.questions = False, 0.0, 0, 0

    def take(self, token: int, logprob: float, action: int, encode: Encode) -> None:
        """Carry out an action, and put what is answered behind it."""
        _, _, ended, cut, info = self.env.step(action)
        self.tokens, self.logprobs, self.mine = [*self.tokens, token], [*self.logprobs, logprob], [*self.mine, 1]
        self.mask, self.over = info["action_mask"], ended or cut
        self.earned, self.success = float(info["return_unshaped"]), int(info["success"])
        self.questions += action < self.game.findings
        if self.over:
            return
        told = encode(f" {self._answer(action)}\n")
        self.tokens, self.logprobs, self.mine = [*self.tokens, *told], [*self.logprobs, *[0.0] * len(told)], [*self.mine, *[0] * len(told)]

    def _answer(self, action: int) -> str:
        if action >= self.game.findings:
            return "Given."
        return answer(self.game.tables.world.findings[action], int(self.patients.reported[0, action]))


def _text(prompt: Any) -> str:
    if isinstance(prompt, str):
        return prompt
    return "\n".join(str(message["content"]) for message in prompt)


def _patient(text: str) -> int:
    found = _PATIENT.findall(text)
    if not found:
        raise ActionError(
            "A prompt of the menu protocol says 'Patient NUMBER', so that a group meets the same patient. Make it with menu_prompt."
        )
    return int(found[-1])
