"""The controller's seat of a documented case: who answers for body, laboratory and surroundings where nothing of it is compiled.

The rule: a controller says what is found and seen. Whether time passes, a result is pending or a state is left is decided by code from
what it says: only the next declared state can follow, and one at a time.
"""

from medsim.controller.hints import advice
from medsim.controller.seat import Controller, Deed, Ruling, Task

__all__ = ["Controller", "Deed", "Ruling", "Task", "advice"]
