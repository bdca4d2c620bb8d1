"""Predicates and encounters by chance, for the laws of the predicate language."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from medsim.trajectory import Event

CODES = ["aspirin", "ecg12", "cath_lab", "nitroglycerin"]


def made(*events: tuple[int, str, str]) -> list[Event]:
    """Events from (seconds, kind, code)."""
    built = []
    for seq, (t, kind, code) in enumerate(events):
        actor: Any = "controller" if kind in {"state", "result", "challenge"} else "doctor"
        args = {"ranked": [code]} if kind == "diagnose" else {}
        built.append(Event(seq, seq, t, actor, kind, text=code, code=code, args=args))
    return built


PATTERN = st.sampled_from(CODES).map(lambda code: {"code": code})
LEAF = st.one_of(
    PATTERN.map(lambda did: {"did": did}),
    st.tuples(PATTERN, st.integers(1, 30)).map(lambda pair: {"did": pair[0], "within": f"{pair[1]}m"}),
    st.tuples(PATTERN, PATTERN, st.integers(1, 30), st.booleans()).map(
        lambda four: {"did": four[0], "from": four[1], "within": f"{four[2]}m", "early": four[3], "from_absent": "unmet"}
    ),
    PATTERN.map(lambda did: {"never": did}),
    st.tuples(PATTERN, PATTERN).map(lambda pair: {"never": pair[0], "before": pair[1]}),
    st.tuples(PATTERN, PATTERN, st.sampled_from(["na", "met", "unmet"])).map(
        lambda three: {"precedes": {"a": three[0], "b": three[1], "if_b_absent": three[2]}}
    ),
    st.just({"state": "arrest"}),
    st.just({"diagnosis": True}),
    st.integers(0, 3).map(lambda n: {"count": {"did": {"kind": "treat"}, "le": n}}),
)
PRED = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"k_of": {"k": 2, "of": parts}}),
        st.tuples(inner, inner).map(lambda pair: {"implies": {"if": pair[0], "then": pair[1]}}),
    ),
    max_leaves=6,
)
EVENT = st.one_of(
    st.tuples(st.integers(0, 2400), st.just("treat"), st.sampled_from(CODES)),
    st.tuples(st.integers(0, 2400), st.just("state"), st.sampled_from(["ill", "arrest"])),
    st.tuples(st.integers(0, 2400), st.just("diagnose"), st.sampled_from(["inferior STEMI", "flu"])),
)
EVENTS = st.lists(EVENT, max_size=8).map(lambda events: made(*sorted(events)))
