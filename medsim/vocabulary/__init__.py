"""The shared vocabulary: what a doctor's words mean, and what is normal.

The rule: words resolve to a code the same way in every case. Entries and normal values stand in ``entry``, their names in ``index``, which entry
has a name in ``lookup``, what words mean in one case in ``lexicon``, what they stop in ``stopping``, and where a term stands in a text in
``whole``.
"""

from medsim.vocabulary.entry import FILES, Analyte, Entry, analyte_of, analytes, bundles, entries, merge, normal_form
from medsim.vocabulary.lexicon import Found, Lexicon
from medsim.vocabulary.lookup import CONFIDENT, OFFERED

__all__ = [
    "CONFIDENT", "FILES", "OFFERED", "Analyte", "Entry", "Found", "Lexicon", "analyte_of", "analytes", "bundles", "entries", "merge", "normal_form",
]  # fmt: skip
