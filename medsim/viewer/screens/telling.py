"""The line above an encounter, and what its keys do.

The rule: what failed or could not be scored is said in words.
"""

from __future__ import annotations

from rich.text import Text

from medsim.viewer.lines import BAD, GOOD, QUIET, flat
from medsim.viewer.recording import Recording
from medsim.viewer.screens.asking import Keys

KEYS: Keys = (
    ("← →  ↑ ↓", "one event back, one forward (also h, l; click an event)"),
    ("{  }", "one turn back, one forward"),
    ("g  G", "first event, last event"),
    ("PgUp PgDn", "scroll the dialogue (or the wheel)"),
    ("k", "choose a kind of event; verdict: events that decided an item"),
    ("[  ]", "the event of that kind before, the next one"),
    ("Space  + -", "play and stop; faster, slower"),
    ("1 2 3 4  0", "patient, orders, facts, rubric; the dialogue (or Tab)"),
    ("Enter", "rubric: to the evidence, again: to the next of it;"),
    ("", "facts: to the question that found it, again: to the answer;"),
    ("", "orders: to the order, again: to its result"),
    ("b", "back to where the jump began"),
    ("i", "from an event to the rubric item it decided or is evidence for"),
    ("/  n N", "search words; next, previous"),
    ("t", "show or hide the truth"),
    ("s", "the next score, where there are several"),
    ("v", "side by side with another encounter of this case"),
    ("c", "copy the id"),
    ("x", "save the screen as an SVG picture"),
    ("Esc  q", "to the list; leave"),
)


def heading(recording: Recording) -> Text:
    """Which encounter this is and what it scored."""
    head, score = recording.head, recording.score
    text = Text(no_wrap=True, overflow="ellipsis").append(f" {flat(head.id, longest=40)}", "bold")
    text.append(f" · {flat(head.case_id, longest=60)} · {flat(head.agent, longest=60)}", "bold")
    if score is None:
        return text.append(f" · {flat(head.error, longest=300)}" if head.error else " · no score", BAD if head.error else QUIET)
    shown = "unscored" if score["score"] is None else f"{score['score']:.2f}"
    passed = {True: "✓ passed", False: "✗ not passed", None: "? pass not decided"}[score["passed"]]
    text.append(f" · {shown} ").append(passed, GOOD if score["passed"] else BAD)
    of = f" ({recording.shown + 1} of {len(recording.scores)}, s: next)" if len(recording.scores) > 1 else ""
    return text.append(f" · rubric {flat(score['rubric'], longest=40)}, judge {flat(score['judge'], longest=40)}{of}", QUIET)
