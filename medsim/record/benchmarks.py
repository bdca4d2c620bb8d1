"""Tasks of published record benchmarks, read from the user's own copy: MedAgentBench's JSON and PhysicianBench's folders.

The rule: instruction and context are taken as they are; a check is made only of what the file itself says (a static solution), and of
nothing else: how the published graders look at a run is not copied, as they refuse valid FHIR and take posts for done that never were.
A task without a check is graded unknown until its user adds some. The patients come from the user too, as holdings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medsim.errors import CaseError
from medsim.record.holdings import Holdings
from medsim.record.outcome import Refusal, quoted
from medsim.record.parameters import TYPES
from medsim.record.plain import parsed, plain_data
from medsim.record.task import Check, Task
from medsim.record.tools import TOOLS, snake

NOW = "2023-11-13T10:15:00Z"
"""The moment at which MedAgentBench's record stands still."""
ROUNDS = 8


def medagentbench(file: Path | str, *, functions: Path | str | None = None, holdings: Holdings | None = None) -> list[Task]:
    """The tasks of a MedAgentBench file; ``functions`` is its list of functions, and limits the tools to them. CaseError where it is none."""
    given = _read(file)
    if not isinstance(given, list) or not given:
        raise CaseError(f"{file}: a JSON list of tasks was expected, each with id and instruction.")
    tools = offered(_read(functions), source=str(functions)) if functions is not None else ()
    return [_task(task, f"{file}[{place}]", tools).over(holdings or Holdings()) for place, task in enumerate(given)]


def _task(given: Any, where: str, tools: Sequence[str]) -> Task:
    if not isinstance(given, dict) or not isinstance(given.get("id"), str) or not isinstance(given.get("instruction"), str):
        raise CaseError(f"{where}: a task with an id and an instruction, both text, was expected.")
    solution = given.get("sol")
    checks: tuple[Check, ...] = ()
    if isinstance(solution, list) and solution and all(isinstance(part, (str, int, float)) for part in solution):
        checks = (Check(id="solution", answer=tuple(solution)),)
    return Task(
        schema="medsim.task/1", id=given["id"], instruction=given["instruction"], context=str(given.get("context") or ""), now=NOW,
        patient=str(given.get("eval_MRN") or ""), tools=tuple(tools), rounds=ROUNDS, checks=checks,
    )  # fmt: skip


def offered(functions: Any, *, source: str = "functions") -> tuple[str, ...]:
    """The tools that a list of functions stands for: ``GET {api_base}/Condition`` is ``search_condition``."""
    if not isinstance(functions, list):
        raise CaseError(f"{source}: a JSON list of functions was expected, each with a name.")
    found: dict[str, None] = {}
    for function in functions:
        name = str(function.get("name", "")) if isinstance(function, Mapping) else ""
        verb, _, url = name.partition(" ")
        kind = url.rstrip("/").rsplit("/", 1)[-1]
        tool = f"{ {'GET': 'search', 'POST': 'create'}.get(verb, '') }_{snake(kind)}"
        if kind not in TYPES or tool not in TOOLS:
            raise CaseError(
                f"{source}: {quoted(name)} is no function of a record; GET or POST and an address ending in a type was expected."
            )
        found[tool] = None
    return tuple(found)


def physicianbench(folder: Path | str, *, now: str, holdings: Holdings | None = None, rounds: int = 100) -> Task:
    """One PhysicianBench task from its folder (``instruction.md``); ``now`` is the date that its chart stands at."""
    path = Path(folder)
    try:
        instruction = (path / "instruction.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{folder}: a folder with an instruction.md was expected ({error}).") from error
    return Task(schema="medsim.task/1", id=path.resolve().name, instruction=instruction, now=now, rounds=rounds).over(
        holdings or Holdings()
    )


def _read(file: Path | str) -> Any:
    try:
        given = parsed(Path(file).read_bytes())
        plain_data(given, size=5_000_000)
    except OSError as error:
        raise CaseError(f"{file} cannot be read: {error.strerror}. Give the path of your own copy.") from error
    except Refusal as error:
        raise CaseError(f"{file}: {error}") from error
    return given
