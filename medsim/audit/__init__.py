"""The leak and shortcut audit of cases: doctors that know no medicine try to pass them, and to make the patient talk.

The rule: none may pass and nothing may slip out; what is found is told with the words that gave it away::

    faults = [found for found in audit(case) if found.fault]
"""

from __future__ import annotations

from medsim.audit.bots import BOTS, Bot, chosen
from medsim.audit.check import Finding, Generous, audit, tried
from medsim.audit.leaks import Leak, leaks

__all__ = ["BOTS", "Bot", "Finding", "Generous", "Leak", "audit", "chosen", "leaks", "tried"]
