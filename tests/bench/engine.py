"""How fast and how small: import, one step, one scored episode, ten thousand listed trajectories, memory.

    python -m tests.bench.engine

Prints each figure beside its bound. CPU time is the process's own; nothing is taken from a cache of earlier utterances.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert

ROUNDS = 5


def say(what: str, value: float, unit: str, bound: float) -> None:
    """Print one figure beside its bound."""
    print(f"{what:58} {value:10.3f} {unit:4} (bound {bound:g} {unit}) {'ok' if value < bound else 'OVER'}")


def cold(code: list[str]) -> float:
    """Wall seconds of the best of a few fresh interpreters, less what an empty one takes to start and end."""

    def best(command: list[str]) -> float:
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        return min(times)

    return best(code)


def import_seconds() -> float:
    """Seconds that ``import medsim`` takes, measured inside fresh interpreters."""
    code = "import time; t = time.perf_counter(); import medsim; print(time.perf_counter() - t)"
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True) for _ in range(ROUNDS)]
    return min(float(run.stdout) for run in runs)


def steps() -> tuple[list[float], list[float]]:
    """CPU milliseconds of every text step and of every 30-turn scored and stored episode, over the starter pack and held-out questions."""
    from medsim import consult, document
    from medsim.env import ConsultEnv
    from medsim.store import Store

    questions = [
        ask
        for entry in document.read(Path(__file__).parents[1] / "data" / "phrasings_heldout.yaml").data["in_scope"]
        for ask in entry["ask"]
    ]
    others = [
        "examine: heart",
        "order: full blood count",
        "wait: 1m",
        "examine: vital signs",
        "order: chest x-ray",
        "note: seen and examined",
    ]
    env, per_step, per_episode, at = ConsultEnv("starter"), [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "bench.db")
        store.begin_run("bench", identity="bench", config={})
        for number in range(40):
            case = env.cases[number % len(env.cases)]
            consult._remembered.cache_clear()
            begun = time.process_time()
            env.reset(seed=number, options={"case": case.id})
            for turn in range(29):
                at += 1
                action = others[at % len(others)] if turn % 3 == 2 else f"ask: {questions[at % len(questions)]}"
                start = time.process_time()
                _, _, terminated, truncated, _ = env.step(action)
                per_step.append(1000 * (time.process_time() - start))
                if terminated or truncated:
                    break
            if not (terminated or truncated):
                env.step("diagnose: unclear\nend:")
                trajectory = env.trajectory
                trajectory.run, trajectory.trial = "bench", number
                store.save(trajectory, env.scorecard)
                per_episode.append(1000 * (time.process_time() - begun))
    return per_step, per_episode


def listing_seconds() -> float:
    """Seconds to list 10,000 stored trajectories, best of a few."""
    from medsim.store import Store
    from medsim.store.tables import RUNS, TRAJECTORIES

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "list.db")
        same = {
            "run": "r", "case_id": "c", "case_hash": "h", "agent": "a", "seed": 1, "patient": "scripted", "env": "", "identity": "i", "started": "now",
            "status": "finished", "reason": "doctor", "state": "x", "diagnosis": "[]", "disposition": "", "seconds": 60, "turns": 3, "cost": 1.0,
            "error": "", "usage": "{}", "medsim": "0", "score": 0.5, "passed": 1, "coverage": 1.0, "harms": 0, "critical": 0, "information": 0.5,
        }  # fmt: skip
        with store.engine.begin() as connection:
            connection.execute(insert(RUNS).values(id="r", started="now", identity="i", config="{}"))
            connection.execute(insert(TRAJECTORIES), [{**same, "id": f"{i:012x}", "trial": i} for i in range(10_000)])
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            assert len(store.rows()) == 10_000
            times.append(time.perf_counter() - start)
        return min(times)


def memory_megabytes() -> float:
    """Peak resident memory of ``medsim run`` over the starter pack with all built-in agents."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "medsim", "run", "--store", str(Path(folder) / "m.db"), "--json"]
        subprocess.run(command, check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Measure everything."""
    memory = memory_megabytes()
    say("import medsim", import_seconds(), "s", 0.3)
    say("medsim --help, whole process", cold(["-m", "medsim", "--help"]), "s", 0.4)
    per_step, per_episode = steps()
    say("one text step, CPU, median", statistics.median(per_step), "ms", 1.0)
    say("one text step, CPU, 95th percentile", sorted(per_step)[int(0.95 * len(per_step))], "ms", 10.0)
    say("episode of 30 turns, scored and stored, CPU, median", statistics.median(per_episode), "ms", 50.0)
    print(f"{'steps a second of one process':58} {1000 / statistics.mean(per_step):10.0f}")
    say("list 10,000 stored trajectories", listing_seconds(), "s", 0.1)
    say("peak memory of medsim run over the starter pack", memory, "MB", 150)


if __name__ == "__main__":
    main()
