"""The arguments of the verbs that turn many encounters into figures: metrics, rate, compare, power, report and bench.

The rule: a run is named, never guessed, and runs that stand beside each other are never joined.
"""

from __future__ import annotations

import argparse

from medsim.cli.verbs.options import Verb, cached, cases_at, store


def declare(verb: Verb) -> None:
    """Add the family."""
    _metrics(verb)
    _rate(verb)
    _compare(verb)
    _power(verb)
    _report(verb)
    _bench(verb)


def _metrics(verb: Verb) -> None:
    made = verb(
        "metrics",
        summary="figures that published systems report, of a run or between two",
        examples=("medsim metrics run-1a2b3c", "medsim metrics plain --against biased"),
    )
    made.add_argument("run", metavar="RUN", help="name of the run")
    made.add_argument("--against", metavar="RUN2", help="the same with a bias: the effect of it, paired by case and trial")
    made.add_argument("--agent", help="only this agent of RUN")
    made.add_argument("--against-agent", help="only this agent of RUN2")
    store(made)
    cases_at(made)


def _rate(verb: Verb) -> None:
    made = verb(
        "rate",
        summary="let the patient rate the doctor, or a moderator rule on the answer",
        examples=("medsim rate run-1a2b3c --patient openai/gpt-4o-mini",),
    )
    made.add_argument("run", metavar="RUN", help="name of the run")
    made.add_argument("--patient", metavar="MODEL", help="model of the patient: rates confidence, compliance, consulting again (1 to 10)")
    made.add_argument("--judge", metavar="MODEL", help="model of the moderator, who says whether the answer is the right one")
    made.add_argument("--jobs", type=int, default=8, help="encounters at the same time (default: 8)")
    made.add_argument("--models", metavar="FILE", help="models file (schema medsim.models/1)")
    cached(made)
    store(made)
    cases_at(made)


def _compare(verb: Verb) -> None:
    made = verb(
        "compare",
        summary="say whether agents differ, case by case, with intervals",
        examples=(
            "medsim compare run-1a2b3c",
            "medsim compare plain other --agents chat@plain,chat@other",
            "medsim compare run-1a2b3c --measure passed --judge keywords",
        ),
    )
    made.add_argument("runs", metavar="RUN", nargs="+", help="names of runs")
    made.add_argument("--anyway", action="store_true", help="compare though cases, rubrics, recipe, patient or judge differ, and say so")
    _compared(made)


def _power(verb: Verb) -> None:
    made = verb(
        "power",
        summary="say how many cases and trials the next study needs",
        examples=("medsim power run-1a2b3c --difference 0.05",),
    )
    made.add_argument("run", metavar="RUN", help="name of the run")
    made.add_argument("--difference", type=float, default=0.1, help="what is to be found, 0 to 1 (default: 0.1, 10 points)")
    made.add_argument("--power", type=float, default=0.8, help="how surely (default: 0.8)")
    _compared(made)


def _compared(made: argparse.ArgumentParser) -> None:
    made.add_argument("--agents", help="only these, comma-separated: NAME or NAME@RUN")
    made.add_argument("--measure", choices=["score", "passed"], default="score", help="what is compared (default: score)")
    made.add_argument("--rubric", help="scores by this rubric (name or hash; default: each encounter's own score)")
    made.add_argument("--judge", help="scores by this judge; the beginning of its name is enough")
    store(made)


def _report(verb: Verb) -> None:
    made = verb(
        "report",
        summary="the figures of runs as a page, CSV and JSON, or in the terminal",
        examples=("medsim report run-1a2b3c", "medsim report run-1a2b3c --to report.html --csv figures --json figures.json"),
        json=False,  # here it may name a file
    )
    made.add_argument("runs", nargs="+", metavar="RUN", help="name of a run; several stand beside each other and are never joined")
    made.add_argument("--to", metavar="FILE", help="one HTML page that needs nothing else, e.g. report.html")
    made.add_argument("--csv", metavar="DIR", help="folder for the same figures, one CSV file a table")
    made.add_argument("--json", metavar="FILE", nargs="?", const="-", help="the same figures as JSON, into a file or on stdout")
    made.add_argument("--agents", help="only these, comma-separated")
    made.add_argument("--rubric", help="scores by this rubric (default: each case's own, or what most encounters are scored by)")
    made.add_argument(
        "--judge", help="scores by this judge; the beginning of its name is enough (default: what most encounters are scored by)"
    )
    made.add_argument("--date", help="date to put on the page, or an empty text for none (default: today)")
    store(made)
    cases_at(made)


def _bench(verb: Verb) -> None:
    made = verb(
        "bench",
        summary="measure question-asking policies on worlds: baselines, learners, and bots that try to cheat",
        examples=(
            "medsim bench inquiry",
            "medsim bench inquiry trap noisy --learned --to figures",
            "medsim bench inquiry trap --learned ppo --seconds 10",
            "medsim bench inquiry ddxplus/ --seeds 5 --patients 4096",
            "medsim bench workup sore-throat",
        ),
    )
    made.add_argument("what", metavar="TASK", help="inquiry (ask, then stop) or workup (ask, test, treat, diagnose)")
    made.add_argument(
        "world",
        nargs="*",
        default=[],
        metavar="WORLD",
        help="shipped world, file, folder with your copy of DDXPlus, random, noisy or trap (default: the last three)",
    )
    made.add_argument("--seeds", type=int, default=5, help="seeds, each with patients and trainings of its own (default: 5)")
    made.add_argument("--patients", type=int, default=4096, help="held-out patients of each seed (default: 4096)")
    made.add_argument(
        "--noise", type=float, default=0.0, help="chance that an answer of the history is turned round (default: 0, or the world's own)"
    )
    made.add_argument("--turns", type=int, default=30, help="turn limit of an encounter (default: 30)")
    made.add_argument(
        "--learned",
        nargs="?",
        const="",
        metavar="NAME,...",
        help="train learners too, anew for each seed: cloning, dagger, guided, guided-ppo, ppo (default: all)",
    )
    made.add_argument("--seconds", type=float, default=60.0, help="with --learned: processor seconds of the longest training (default: 60)")
    made.add_argument(
        "--memorisation", nargs="?", type=int, const=0, metavar="N",
        help="with --learned: train on some templates of the world (on N patients alone) and play others as well",
    )  # fmt: skip
    made.add_argument("--to", metavar="DIR", help="folder for pictures and JSON, one folder a world")
