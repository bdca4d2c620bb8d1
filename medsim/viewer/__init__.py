"""Show what is stored: the static form.

The rule: nothing that a model, a case or a database says reaches the terminal raw; text is shown as text, never as markup or codes.
"""

from medsim.viewer.page import UNSAFE, encounter_page, safe

__all__ = ["UNSAFE", "encounter_page", "safe"]
