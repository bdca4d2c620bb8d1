"""The learners of the ladder and how long each is trained.

The rule: a budget is seconds of processor time for one training of one seed, whatever else the machine does; steps can bound it as well,
and then the result is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from medsim.bench.arena import Arena
from medsim.errors import ActionError, did_you_mean
from medsim.policy.greedy import tuned
from medsim.policy.imitate import imitate
from medsim.policy.learned import Learned
from medsim.policy.ppo import REFINING, SCRATCH, Terms, ppo
from medsim.policy.training import Point

ENDLESS = 10**12
LEARNERS = {
    "cloning": "behaviour cloning, observation alone",
    "dagger": "DAgger, observation alone",
    "guided": "DAgger, gains in sight",
    "guided-ppo": "DAgger, then PPO, gains in sight",
    "ppo": "PPO from nothing, posterior in sight",
}
"""Short names, and what they are called in tables. The teacher is greedy with the level of certainty tuned to the return."""

Taught = tuple[Learned, list[Point]]


@dataclass(frozen=True)
class Lesson:
    """Who is trained, and for how long at most."""

    seconds: float = 60.0
    """Processor seconds of PPO; learning from the teacher gets a quarter of it."""
    steps: int = ENDLESS
    """Environment steps, if they are fewer."""
    learners: str | tuple[str, ...] = tuple(LEARNERS)
    hidden: tuple[int, ...] = (256, 256)
    terms: Terms = SCRATCH
    refining: Terms = REFINING

    def __post_init__(self) -> None:
        """Take one name as one learner, and refuse a learner that does not exist."""
        object.__setattr__(self, "learners", (self.learners,) if isinstance(self.learners, str) else tuple(self.learners))
        for name in self.learners:
            if name not in LEARNERS:
                raise ActionError(f"No learner '{name}'.{did_you_mean(name, LEARNERS)} Learners: {', '.join(LEARNERS)}.")


def lessons(place: Arena, lesson: Lesson, *, seed: int, tell: Callable[[str], None]) -> Iterator[Taught]:
    """Train each learner with this seed; hand each over as it is ready."""
    teacher = tuned(place.game, place.tuning(seed, 2048))
    early = max(1, lesson.steps // 4)

    def speak(name: str) -> Callable[[Point], None]:
        return lambda p: tell(f"{LEARNERS[name]}: {p.steps:,} steps, {p.seconds:.0f} s, return {p.earned:.3f}")

    def taught(name: str) -> Taught:
        return imitate(
            place.game, teacher, seed=seed, steps=early, seconds=lesson.seconds / 4, dagger=name != "cloning", hidden=lesson.hidden,
            sight="gain" if name == "guided" else "plain", report=speak(name),
        )  # fmt: skip

    def trained(name: str, start: Learned | None) -> Taught:
        return ppo(
            place.game, seed=seed, steps=lesson.steps, seconds=lesson.seconds, start=start, hidden=lesson.hidden, sight="belief",
            terms=lesson.terms if start is None else lesson.refining, report=speak(name),
        )  # fmt: skip

    start: Learned | None = None
    for name in lesson.learners:
        if name == "guided-ppo":
            made = trained(name, start or taught("guided")[0])
        else:
            made = trained(name, None) if name == "ppo" else taught(name)
        start = made[0] if name == "guided" else start
        made[0].name = LEARNERS[name]
        yield made
