"""The operators of predicates: what each says about a log of events, while it grows and after it has ended.

The rule: while an encounter is open only what can no longer change is decided. A voluntary end closes every obligation (what was not
done is unmet); a truncation or crash leaves open what was still open (unknown). ``na`` drops out of all, any and k_of. Windows are closed
intervals in seconds; order is by event number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from medsim.case.pattern import Did, Range
from medsim.case.predicate import Pred, Safety
from medsim.rubric import measured
from medsim.rubric.finding import NA, UNKNOWN, Ending, Finding, Hit, Verdict
from medsim.rubric.log import Log
from medsim.rubric.measured import Done
from medsim.rubric.names import accepted, named

_NAMED = 3
"""So many names of a pattern stand in a reason."""


def decide(pred: Pred, log: Log, ending: Ending) -> Finding:
    """Return the verdict of a predicate on a log."""
    return _OPERATORS[pred.operator](pred, log, ending)


def _did(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.did is not None
    hits = log.hits(pred.did)
    if pred.within is not None:
        return _within(pred, hits, log, ending)
    evidence = tuple(hit.seq for hit in hits)
    if pred.max is not None and len(hits) > pred.max:
        return Finding("unmet", evidence)
    enough = len(hits) >= (pred.min if pred.max is None or "min" in pred.model_fields_set else 0)
    if pred.max is None and enough:
        return Finding("met", evidence[: pred.min])
    if ending == "voluntary":
        return Finding("met" if enough else "unmet", evidence)
    return UNKNOWN


def _within(pred: Pred, hits: Sequence[Hit], log: Log, ending: Ending) -> Finding:
    start = Hit(-1, 0)
    if pred.from_ is not None:
        anchors = log.hits(pred.from_)
        if pred.early and len(hits) >= pred.min and not anchors:
            return Finding("met", tuple(hit.seq for hit in hits[: pred.min]))
        if not anchors:
            return _no_anchor(pred, ending)
        start = anchors[0]
    assert pred.within is not None
    limit = start.t + pred.within
    inside = [hit for hit in hits if hit.t <= limit and (pred.early or hit.seq > start.seq)]
    if len(inside) >= pred.min:
        return Finding("met", tuple(hit.seq for hit in inside[: pred.min]))
    late = tuple(hit.seq for hit in hits if hit.t > limit)[:1]
    return Finding("unmet", late) if log.now > limit or ending == "voluntary" else UNKNOWN


def _no_anchor(pred: Pred, ending: Ending) -> Finding:
    return Finding(pred.from_absent) if ending == "voluntary" else UNKNOWN


def _never(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.never is not None
    hits, fence = log.hits(pred.never)[:1], log.hits(pred.before)[:1] if pred.before else []
    if hits and not (fence and fence[0].seq <= hits[0].seq):
        return Finding("unmet", (hits[0].seq,))
    if fence:
        return Finding("met", (fence[0].seq,))
    return Finding("met") if ending == "voluntary" else UNKNOWN


def _precedes(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.precedes is not None
    first_a, first_b = log.hits(pred.precedes.a)[:1], log.hits(pred.precedes.b)[:1]
    if first_b:
        ordered = bool(first_a) and first_a[0].seq < first_b[0].seq
        return Finding("met" if ordered else "unmet", tuple(hit.seq for hit in (*first_a, *first_b)))
    if ending != "voluntary":
        return UNKNOWN
    verdict = pred.precedes.if_b_absent
    why = f"what it has to come before never happened: {_words(pred.precedes.b)}" if first_a and verdict != "met" else ""
    return Finding(verdict, tuple(hit.seq for hit in first_a), why)


def _words(did: Did) -> str:
    """A pattern in the words of the vocabulary, for a reason; what it is narrowed by is left out."""
    named = did.code or did.group or did.topic or did.fact or did.cls or did.kind
    words = [name.replace("_", " ") for name in named[:_NAMED]]
    return " or ".join(words) + (" or the like" if len(named) > _NAMED else "")


def _evidence(findings: Iterable[Finding]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(seq for finding in findings for seq in finding.evidence))


def _all(pred: Pred, log: Log, ending: Ending) -> Finding:
    found = [decide(part, log, ending) for part in pred.all or ()]
    for finding in found:
        if finding.verdict == "unmet":
            return finding
    if any(finding.verdict == "unknown" for finding in found):
        return UNKNOWN
    rest = [finding for finding in found if finding.verdict == "met"]
    return Finding("met", _evidence(rest)) if rest else NA


def _any(pred: Pred, log: Log, ending: Ending) -> Finding:
    return _at_least(1, pred.any or (), log, ending)


def _k_of(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.k_of is not None
    return _at_least(pred.k_of.k, pred.k_of.of, log, ending)


def _at_least(k: int, parts: Sequence[Pred], log: Log, ending: Ending) -> Finding:
    found = [finding for finding in (decide(part, log, ending) for part in parts) if finding.verdict != "na"]
    met = [finding for finding in found if finding.verdict == "met"]
    if len(met) >= k:
        return Finding("met", _evidence(met[:k]))
    if any(finding.verdict == "unknown" for finding in found):
        return Finding("unmet", _evidence(met)) if _hopeless(k, found) else UNKNOWN
    return Finding("unmet", _evidence(met)) if found else NA


def _hopeless(k: int, found: Sequence[Finding]) -> bool:
    """Whether even all that is unknown could not reach k."""
    return sum(finding.verdict in {"met", "unknown"} for finding in found) < k


def _not(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.not_ is not None
    found = decide(pred.not_, log, ending)
    turned: dict[Verdict, Verdict] = {"met": "unmet", "unmet": "met"}
    return Finding(turned.get(found.verdict, found.verdict), found.evidence, found.reason)


def _implies(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.implies is not None
    condition = decide(pred.implies.if_, log, ending)
    if condition.verdict == "met":
        then = decide(pred.implies.then, log, ending)
        return Finding(then.verdict, _evidence((condition, then)))
    return NA if condition.verdict in {"unmet", "na"} else UNKNOWN


def _state(pred: Pred, log: Log, ending: Ending) -> Finding:
    for name, seq in log.states:
        if name in (pred.state or ()):
            return Finding("met", (seq,))
    return Finding("unmet") if ending == "voluntary" else UNKNOWN


def _diagnosis(pred: Pred, log: Log, ending: Ending) -> Finding:
    if ending == "open":
        return UNKNOWN
    if log.diagnosis_seq < 0:
        return Finding("unmet") if ending == "voluntary" else UNKNOWN
    wanted = pred.diagnosis if pred.diagnosis is not True else None
    rank = wanted.rank_le if wanted else 1
    good = wanted.accept if wanted and wanted.accept else accepted(log.case.outcome.diagnosis)
    return Finding("met" if named(log.ranked, good, rank_le=rank) else "unmet", (log.diagnosis_seq,))


def _disposition(pred: Pred, log: Log, ending: Ending) -> Finding:
    if ending == "open":
        return UNKNOWN
    if log.disposition_seq < 0:
        return Finding("unmet") if ending == "voluntary" else UNKNOWN
    own = pred.disposition.accept if pred.disposition is not True and pred.disposition else ()
    return Finding("met" if log.disposition in (own or log.case.outcome.disposition) else "unmet", (log.disposition_seq,))


def _bounded(value: float, bounds: Range, ending: Ending) -> Verdict:
    """A total that only grows: what passed an upper bound is unmet for good, what reached a lower one alone is met for good."""
    top = (bounds.le is not None and value > bounds.le + 1e-9) or (bounds.lt is not None and value >= bounds.lt)
    if top:
        return "unmet"
    if ending == "voluntary":
        return "met" if bounds.holds(value) else "unmet"
    only_lower = bounds.le is None and bounds.lt is None
    return "met" if only_lower and bounds.holds(value) else "unknown"


def _cost(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.cost is not None
    return Finding(_bounded(log.cost, pred.cost, ending))


def _count(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.count is not None
    hits = log.hits(pred.count.did)
    return Finding(_bounded(len(hits), pred.count, ending), tuple(hit.seq for hit in hits[-1:]))


def _time(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.time is not None
    return Finding(_bounded(log.now / 60, pred.time, ending))


def _note(pred: Pred, log: Log, ending: Ending) -> Finding:
    wanted = pred.note
    assert wanted is not None
    some = not wanted.contains_any or any(word.lower() in log.note for word in wanted.contains_any)
    every = all(word.lower() in log.note for word in wanted.contains_all)
    if log.note and some and every and len(log.note.split()) >= wanted.min_words:
        return Finding("met", tuple(log.note_seqs[-1:]))
    return Finding("unmet", tuple(log.note_seqs[-1:])) if ending == "voluntary" else UNKNOWN


def _number(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.number is not None
    return measured.number(pred.number, [done for where, done in log.said if where in pred.number.in_], ending)


def _codes(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.codes is not None
    hits = (hit.event for hit in log.hits(pred.codes.of))
    return measured.codes(pred.codes, [Done(event.seq, event.code, event.text) for event in hits if event is not None], ending)


def _steps(pred: Pred, log: Log, ending: Ending) -> Finding:
    assert pred.steps is not None
    return measured.steps(pred.steps, [done for where, done in log.said if where == "note"], ending)


def _safety(pred: Pred, log: Log, ending: Ending) -> Finding:
    wanted = pred.safety if isinstance(pred.safety, Safety) else Safety()
    for seq, found in log.unsafe():
        if found.severity in wanted.severity and (not wanted.of or found.kind in wanted.of):
            return Finding("unmet", (seq,))
    return Finding("met") if ending == "voluntary" else UNKNOWN


_OPERATORS: dict[str, Callable[[Pred, Log, Ending], Finding]] = {
    "did": _did, "never": _never, "precedes": _precedes, "all": _all, "any": _any, "not": _not, "k_of": _k_of, "implies": _implies,
    "state": _state, "diagnosis": _diagnosis, "disposition": _disposition, "cost": _cost, "count": _count, "time": _time, "note": _note,
    "number": _number, "codes": _codes, "steps": _steps, "safety": _safety,
}  # fmt: skip
