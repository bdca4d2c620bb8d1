"""A doctor of one's own, against the built-in interviewer.

    python examples/my_doctor.py

or, from this folder: medsim run --agents my_doctor:MyDoctor,interviewer
"""

from medsim import evaluate


class MyDoctor:
    """Asks, listens to the chest, takes a picture, and names what is most common."""

    def reset(self, seed: int) -> None:
        self.turns = [
            "ask: what brings you in today?",
            "examine: lungs",
            "order: chest x-ray\nwait: result",
            "diagnose: bronchitis\ndispose: home\nend:",
        ]

    def act(self, observation: str) -> str:
        return self.turns.pop(0) if self.turns else "end:"


if __name__ == "__main__":
    result = evaluate(["my_doctor:MyDoctor", "interviewer"], cases=["starter"], store="sqlite:///:memory:")
    for row in result.summaries:
        print(f"{row.agent:24} score {row.score.value:.2f}   passed {row.pass_rate.value:.0%}   critical harms {row.critical}/{row.n}")
