"""A learned policy: a network over the observation, kept in a file that names the world it was trained for.

The rule: a checkpoint plays only the game it was trained for, told by the world's numbers and the actions, and is refused elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medsim.errors import ActionError
from medsim.policy.net import Net, log_softmax
from medsim.policy.view import View, most_critical
from medsim.world.belief import Gain
from medsim.world.game import Game, Task
from medsim.world.tables import F32, I8, I64, Tables

FLOOR = 12.0
"""Log-probabilities below minus this look alike to the network."""
PULL = 6.0
"""How strongly the question that tells most is preferred where gains are in sight and nothing has been learnt."""
Sight = Literal["plain", "belief", "gain"]


def world_hash(game: Game) -> str:
    """Return what a checkpoint is bound to: the names and numbers of the world and the task's actions; patients may be noisier."""
    return _hash(game.tables, game.task)


@lru_cache(maxsize=64)
def _hash(tables: Tables, task: Task) -> str:
    digest = hashlib.sha256(json.dumps([task, [list(act) for act in Game(tables, task).menu]]).encode())
    for array in (tables.prior, tables.present, tables.value_edges, tables.fee, tables.parent):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


@dataclass(eq=False)
class Eyes:
    """What the network is shown: the observation alone, or with it the exact posterior, or besides the expected gain of each question."""

    game: Game
    sight: Sight = "gain"

    @cached_property
    def gain(self) -> Gain:
        """The expected information gain of this game's findings."""
        return Gain.of(self.game.tables)

    @property
    def guided(self) -> int:
        """How many of the last columns are gains, each a share of the best one."""
        return self.game.findings if self.sight == "gain" else 0

    @property
    def width(self) -> int:
        """How wide the network's input is."""
        plain = sum(size for name, size in self.game.layout.items() if name != "belief")
        return plain + 1 + (2 * self.game.conditions + 3 if self.sight != "plain" else 0) + self.guided

    def __call__(self, seen: Mapping[str, NDArray[Any]], mask: I8) -> F32:
        """Return the network's input, (n, width)."""
        parts = [seen[name] for name in ("findings", "asked", "values", "treated", "demo", "budget") if name in seen]
        turns = self.game.max_turns
        parts.append(
            seen["budget"][:, :1] * turns > turns - 1.5 - most_critical(self.game)
        )  # the last moment to end, hard to tell otherwise
        if self.sight != "plain":
            b = seen["belief"]
            log = np.log(np.maximum(b, np.float32(np.exp(-FLOOR))))
            peak = b.max(axis=1, keepdims=True)
            doubt = np.log(np.maximum(1.0 - peak, np.float32(1e-4))) / 9.0
            parts += [b, log / FLOOR + 1.0, peak, doubt, -(b * log).sum(axis=1, keepdims=True) / 4.0]
        if self.guided:
            gain = self.gain(seen["belief"]) * (mask[:, : self.game.findings] != 0)
            parts.append(gain / np.maximum(gain.max(axis=1, keepdims=True), np.float32(1e-6)))
        return np.concatenate(parts, axis=1, dtype=np.float32)


@dataclass(eq=False)
class Learned:
    """The likeliest legal action of a network."""

    net: Net
    eyes: Eyes
    name: str = "learned"

    @classmethod
    def fresh(cls, game: Game, *, seed: int, hidden: tuple[int, ...] = (256, 256), sight: Sight = "gain", name: str = "learned") -> Learned:
        """Return an untrained one; with gains in sight it begins as greedy, and learns what to do otherwise and when to stop."""
        eyes = Eyes(game, sight)
        return cls(Net((eyes.width, *hidden, game.actions), rng=np.random.default_rng([seed, 0x4E7])), eyes, name)

    @property
    def world(self) -> str:
        """What it is bound to."""
        return world_hash(self.eyes.game)

    def act(self, view: View) -> I64:
        """Return the likeliest legal action of each."""
        if world_hash(view.game) != self.world:
            raise ActionError(_foreign(self.name, self.world, view.game))
        return np.asarray(self.logs(self.eyes(view.seen, view.mask), view.mask).argmax(axis=1))

    def logs(self, x: F32, mask: I8) -> F32:
        """Return the log-probabilities of the actions, (n, A)."""
        return self.through(x, mask)[1]

    def through(self, x: F32, mask: I8) -> tuple[list[F32], F32]:
        """Return what goes into each layer, for learning, and the log-probabilities."""
        layers = self.net.forward(x)
        logits = layers[-1]
        if self.eyes.guided:
            logits = logits.copy()
            logits[:, : self.eyes.guided] += np.float32(PULL) * x[:, -self.eyes.guided :]
        return layers, log_softmax(logits, mask)

    def save(self, path: str | Path) -> None:
        """Write it into one .npz file."""
        about = json.dumps({"schema": "medsim.policy/1", "world": self.world, "sight": self.eyes.sight, "name": self.name})
        arrays = {f"w{i}": weight for i, weight in enumerate(self.net.weights)}
        with Path(path).open("wb") as file:
            np.savez(file, about=np.array(about), **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path, *, game: Game) -> Learned:
        """Read one; raise ActionError where it is none, or was trained for another world or task."""
        try:
            with np.load(path, allow_pickle=False) as found:
                about = json.loads(str(found["about"]))
                weights = [found[f"w{i}"].astype(np.float32) for i in range(len(found.files) - 1)]
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ActionError(f"{path}: not a policy of medsim ({error}). A file written by save was expected.") from error
        if about.get("schema") != "medsim.policy/1":
            raise ActionError(f"{path}: schema {about.get('schema')!r} was found, medsim.policy/1 expected. Train the policy again.")
        if about["world"] != world_hash(game):
            raise ActionError(_foreign(about["name"], about["world"], game))
        net = Net([weights[0].shape[0], *(w.shape[1] for w in weights[::2])], rng=np.random.default_rng(0))
        net.weights = weights
        return cls(net, Eyes(game, about["sight"]), str(about["name"]))


def _foreign(name: str, own: str, game: Game) -> str:
    return (
        f"The policy '{name}' was trained for another world or task (its checkpoint says {own}; '{game.tables.world.id}', {game.task}, is "
        f"{world_hash(game)}). Play it where it was trained, or train it here."
    )
