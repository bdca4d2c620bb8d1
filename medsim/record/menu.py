"""The tools as a menu: a list of whole calls to pick from by number.

The rule: it is made of the same definitions as the text and the tool calls, in an order that is fixed for a task: a search of every type
for the task's patient, the same by each category that charts commonly have, then the calls that the task itself offers.
"""

from __future__ import annotations

from medsim.record.task import Task
from medsim.record.tools import Call, from_text, from_tool

CATEGORIES = {
    "Observation": ("laboratory", "vital-signs", "social-history", "exam"),
    "Condition": ("problem-list-item", "encounter-diagnosis"),
    "DiagnosticReport": ("LAB", "RAD"),
}


def menu(task: Task) -> tuple[Call, ...]:
    """Every call of a task's menu; the last ones end it."""
    calls: list[Call] = []
    for tool in task.offered:
        if tool.verb != "search":
            continue
        who = "_id" if tool.kind == "Patient" else "patient"
        about = {who: task.patient} if task.patient else {}
        calls.append(from_tool(tool.name, about))
        calls += [from_tool(tool.name, {**about, "category": name}) for name in CATEGORIES.get(tool.kind, ())]
    offered = [from_text(text, tools=task.offered) for text in task.choices]
    ends = [call for call in offered if call.verb == "finish"] or [from_tool("finish", {"answer": []})]
    return (*calls, *(call for call in offered if call.verb != "finish"), *ends)
