"""GRPO on CPU in minutes: a small language model learns to ask, one token an action, and beats the warm start it set out from.

pip install "medsim[rl]"; python examples/rl/grpo_inquiry.py [--world random-12x24-1] [--traces 100] [--steps 150] [--seeds 3]
Warm start: traces of the greedy teacher, few on purpose, for where the copy is as good as its teacher there is little left to learn.
Then GRPO: groups that meet the same patient, each encounter credited with its unshaped return less its group's mean. The model is a GRU
made here; with TRL the same ``MenuRollout`` is a ``rollout_func`` for a model of your own.
Prints a table on held-out patients (intervals of the gain: by patient within a seed, then over seeds), and saves grpo_inquiry.png.
"""

import argparse
import os
import re
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn

from medsim import stats, world
from medsim.bench.figures import learning
from medsim.integrations.trl import MenuRollout, menu_prompt
from medsim.policy import Greedy, play
from medsim.policy.training import Point
from medsim.world.game import game
from medsim.world.patients import Draw, keys
from medsim.world.teacher import Teacher
from medsim.world.wording import answer

HELD_OUT = 900_000_000  # numbers from here on are patients that nothing is trained on

torch.set_num_threads(1)  # with two threads on two busy cores it is a hundred times slower
options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--world", default="random-12x24-1")
for name, value, meaning in (
    ("traces", 100, "encounters of the teacher to set out from"), ("steps", 150, "steps of GRPO"), ("group", 16, "encounters a patient"),
    ("groups", 16, "patients a step"), ("seeds", 3, "trainings"), ("patients", 2000, "held-out patients"),
):  # fmt: skip
    options.add_argument(f"--{name}", type=int, default=value, help=meaning)
options.add_argument("--lr", type=float, default=5e-4)
options.add_argument("--kl", type=float, default=0.0, help="weight of the divergence from the warm start")
given = options.parse_args()
here = game(world.load(given.world), task="inquiry", max_turns=30)


class Tokens:
    """One token an action, one an answer, and three for who comes in."""

    def __init__(self):
        findings = here.tables.world.findings
        said = [answer(f, outcome) for f in findings for outcome in range(2 + max(1, len(f.values)))]
        who = [*(f"age {decade}" for decade in range(12)), "man", "woman", "nothing", *(f"with {f.name}" for f in findings)]
        self.known = {words: here.actions + i for i, words in enumerate(dict.fromkeys([*said, *who]))}
        self.size = here.actions + len(self.known)

    def encode(self, text):
        who = re.match(r"Patient \d+: (\d+)-year-old (\w+)\.(?: Comes with: (.*)\.)?", text)
        words = [f"age {int(who[1]) // 10}", who[2], f"with {who[3]}" if who[3] else "nothing"] if who else [text.strip()]
        return [self.known[word] for word in words]


class Model(nn.Module):
    """A GRU over the tokens so far; it scores the actions."""

    def __init__(self, size, width=96):
        super().__init__()
        self.embed = nn.Embedding(size + 1, width, padding_idx=size)
        self.gru, self.head = nn.GRU(width, width, batch_first=True), nn.Linear(width, here.actions)

    def forward(self, rows):
        padded = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=self.embed.padding_idx)
        return self.head(self.gru(self.embed(padded))[0])


def chooser(model, offered, chance=None):
    """The ``generate`` of MenuRollout: sample among what is allowed, or without ``chance`` take the best; ``offered`` keeps the masks."""

    @torch.no_grad()
    def generate(contexts, allowed):
        barred = torch.full((len(contexts), here.actions), -1e9)
        for i, (context, may) in enumerate(zip(contexts, allowed, strict=True)):
            barred[i, may] = 0.0
            offered[tuple(context)] = barred[i]
        last = torch.tensor([len(context) - 1 for context in contexts])
        log = torch.log_softmax(model(contexts)[torch.arange(len(contexts)), last] + barred, -1)
        chosen = log.argmax(-1) if chance is None else torch.multinomial(log.exp(), 1, generator=chance)[:, 0]
        return chosen.tolist(), log.gather(1, chosen[:, None])[:, 0].tolist()

    return generate


def rollout(generate, numbers):
    menu.generate = generate
    return menu([menu_prompt(here, int(number), labels=(), listed=False) for number in numbers])


def taught(count):
    """The teacher's encounters with the patients 0 to count - 1."""
    teacher = Teacher(here.tables, certain=0.95)
    todo = [[*teacher.path(here.draw.patients(keys(number, 1))), here.stop] for number in range(count)]

    def generate(contexts, allowed):
        running = [path for path in todo if path]
        return [path.pop(0) for path in running], [0.0] * len(contexts)

    return rollout(generate, range(count))


def places(made):
    """Return the whole rows, and where an action was chosen: its row, the place before it, the token, its log-probability then."""
    whole = [prompt + said for prompt, said in zip(made["prompt_ids"], made["completion_ids"], strict=True)]
    found = [
        (i, len(made["prompt_ids"][i]) + t - 1, token, made["logprobs"][i][t])
        for i, said in enumerate(made["completion_ids"])
        for t, token in enumerate(said)
        if made["env_mask"][i][t]
    ]
    return whole, [torch.tensor(column) for column in zip(*found, strict=True)]


def warm_start(model, made, epochs=12):
    whole, (rows, at, token, _) = places(made)
    best = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for part in torch.randperm(len(whole)).split(64):
            mine = torch.isin(rows, part)
            row = torch.zeros(len(whole), dtype=torch.long).scatter(0, part, torch.arange(len(part)))[rows[mine]]
            best.zero_grad()
            nn.functional.cross_entropy(model([whole[int(i)] for i in part])[row, at[mine]], token[mine]).backward()
            best.step()


def grpo_step(model, first, optimiser, made, offered, clip=0.2, epochs=2):
    """Learn from one batch of groups.

    The advantage is not divided by the group's spread: where all are right they differ by a question's fee, and that would be blown up.
    """
    earned = torch.tensor(made["env_reward"]).view(-1, given.group)
    advantage = (earned - earned.mean(1, keepdim=True)).flatten()
    whole, (rows, at, token, old) = places(made)
    barred = torch.stack([offered[tuple(whole[i][: t + 1])] for i, t in zip(rows.tolist(), at.tolist(), strict=True)])
    with torch.no_grad():
        before = torch.log_softmax(first(whole)[rows, at] + barred, -1) if given.kl else None
    for _ in range(epochs):
        log = torch.log_softmax(model(whole)[rows, at] + barred, -1)
        ratio = (log.gather(1, token[:, None])[:, 0] - old).exp()
        gain = torch.minimum(ratio * advantage[rows], ratio.clamp(1 - clip, 1 + clip) * advantage[rows]).mean()
        if before is not None:
            gain = gain - given.kl * (log.exp() * (log - before)).sum(1).mean()
        optimiser.zero_grad()
        (-gain).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()


def judged(model):
    made = rollout(chooser(model, {}), range(HELD_OUT, HELD_OUT + given.patients))
    return np.array(made["env_reward"]), np.mean(made["success"]), np.mean(made["questions"])


tokens = Tokens()
menu = MenuRollout(here, tokens.encode, range(here.actions), None)  # kept, for its environments
met = Draw.of(here.tables).patients(np.concatenate([keys(number, 1) for number in range(HELD_OUT, HELD_OUT + given.patients)]))
teacher = play(Greedy(here.tables, certain=0.95), here, met)
print(f"{given.world}: {given.patients} held-out patients; unshaped return (score)\n{'':22} accuracy questions  return (score)")
print(f"{'greedy, until 0.95':22} {teacher.success.mean():8.3f} {teacher.questions.mean():9.2f} {teacher.earned.mean():7.3f}")
curves, gains = [], []
for seed in range(given.seeds):
    torch.manual_seed(seed)
    start, cpu = time.perf_counter(), time.process_time()
    model, first, chance, rng = Model(tokens.size), Model(tokens.size), torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    warm_start(model, taught(given.traces))
    first.load_state_dict(model.state_dict())
    optimiser, curve, recent = torch.optim.Adam(model.parameters(), lr=given.lr), [], []
    for step in range(given.steps):
        offered = {}
        made = rollout(chooser(model, offered, chance), rng.integers(given.traces, HELD_OUT, given.groups).repeat(given.group))
        grpo_step(model, first, optimiser, made, offered)
        recent.append([float(np.mean(made[key])) for key in ("env_reward", "questions", "success")])
        if len(recent) == 10 or step == given.steps - 1:  # one step meets too few patients for a point of its own
            curve.append(Point((step + 1) * given.groups * given.group, time.process_time() - cpu, *np.mean(recent, axis=0).tolist()))
            recent = []
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    curves.append(curve)
    (a, *warm), (b, *after) = judged(first), judged(model)
    gain, spread = (b - a).mean(), 1.96 * (b - a).std(ddof=1) / len(a) ** 0.5
    gains.append(float(gain))
    print(f"{f'seed {seed}: warm start':22} {warm[0]:8.3f} {warm[1]:9.2f} {a.mean():7.3f}")
    print(
        f"{f'seed {seed}: after GRPO':22} {after[0]:8.3f} {after[1]:9.2f} {b.mean():7.3f}   "
        f"gain {gain:+.3f} ({gain - spread:+.3f} to {gain + spread:+.3f}), {seconds:.0f} s, {cpu:.0f} s of processor time",
        flush=True,
    )
if given.seeds > 1:
    found = stats.macro(gains, cases=range(given.seeds))
    print(f"Gain over {given.seeds} seeds: {found.value:+.3f} (95 % {found.low:+.3f} to {found.high:+.3f})")
learning({"GRPO": curves}, "grpo_inquiry.png", title=given.world, lines={"greedy, until 0.95": float(teacher.earned.mean())})
