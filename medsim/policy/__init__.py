"""Policies for the discrete environments: baselines, greedy information gain, oracles, bots that try to cheat, and learners in numpy.

The rule: a policy acts on many encounters at once and sees what the observation and the mask say; all are judged on the same patients.
"""

from medsim.policy.baselines import AskAll, Fixed, Oracle, Random, Silent
from medsim.policy.greedy import Greedy, LookAhead, tuned
from medsim.policy.view import Played, Policy, View, play, without_complaint

__all__ = [
    "AskAll", "Fixed", "Greedy", "LookAhead", "Oracle", "Played", "Policy", "Random", "Silent", "View", "play", "tuned", "without_complaint",
]  # fmt: skip
