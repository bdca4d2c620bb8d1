"""Language models for every seat: one call, one answer; limits, retries, budget, cache, replay and books; and a fake for tests.

The rule: a call ends in a whole answer or in an LLMError, never in something empty. Keys come from the environment and appear nowhere.
litellm is imported when the first call goes out that needs it, never before; a plain OpenAI-compatible server is asked without it.
"""

from __future__ import annotations

from medsim.llm.budget import Budget, BudgetSpent
from medsim.llm.call import LLM, Answer, Call, Logprob, Message, ToolCall, unusable
from medsim.llm.fault import Endpoint
from medsim.llm.ledger import Entry, Ledger
from medsim.llm.models import Mode, Models
from medsim.llm.roles import ROLES, Role
from medsim.llm.scripted import Scripted

__all__ = [
    "LLM", "ROLES", "Answer", "Budget", "BudgetSpent", "Call", "Endpoint", "Entry", "Ledger", "Logprob", "Message", "Mode", "Models", "Role",
    "Scripted", "ToolCall", "unusable",
]  # fmt: skip
