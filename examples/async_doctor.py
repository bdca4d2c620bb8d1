"""An asynchronous doctor: ``act`` is a coroutine, so that clients of asynchronous libraries can be used as they are.

    python examples/async_doctor.py

or, from this folder: medsim run --agents async_doctor:AsyncDoctor --jobs 16

All such doctors of a run live on one event loop, whatever --jobs is; what belongs to a loop (an HTTP client, a semaphore) can be shared.
Await what takes time, and never block: a blocked loop holds up the others.
"""

import asyncio

from medsim import evaluate


class Colleague:
    """Stands for an asynchronous client. One is shared by all doctors."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(4)

    async def advise(self, observation: str) -> str:
        async with self.free:
            await asyncio.sleep(0.01)
        if "Breath" in observation or "cough" in observation:
            return "examine: lungs\norder: chest x-ray\nwait: result"
        return "ask: what else has changed?"


COLLEAGUE = Colleague()


class AsyncDoctor:
    """Asks its colleague twice, then names what is most common. ``reset`` may be a coroutine too."""

    async def reset(self, seed: int) -> None:
        self.turn = 0

    async def act(self, observation: str) -> str:
        self.turn += 1
        if self.turn == 1:
            return "ask: what brings you in today?"
        return await COLLEAGUE.advise(observation) if self.turn < 4 else "consult: senior doctor\ndiagnose: bronchitis\nend:"


if __name__ == "__main__":
    result = evaluate(["async_doctor:AsyncDoctor"], cases=["starter"], jobs=6, store="sqlite:///:memory:")
    for row in result.summaries:
        print(f"{row.agent:24} score {row.score.value:.2f}   passed {row.pass_rate.value:.0%}   critical harms {row.critical}/{row.n}")
