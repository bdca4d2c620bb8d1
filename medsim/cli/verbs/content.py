"""The arguments of the verbs on content: cases, rubrics, lint, audit and import.

The rule: ``cases`` has many uses, so an option that serves one of them says which, in its help or by the group it stands in.
"""

from __future__ import annotations

import argparse
import textwrap

from medsim.cli.verbs.options import Verb, cases_at, judging, models, stored

_NEW = (
    "title", "name", "age", "sex", "reason", "opening", "worry", "secret", "rival", "examine", "sign", "test", "result", "treatment", "avoid",
    "why", "dispose", "source", "author",
)  # fmt: skip
"""Answers of ``cases new`` that no other option of ``cases`` holds; the questions stand in ``medsim.cli.authoring``."""


def declare(verb: Verb) -> None:
    """Add the family."""
    _cases(verb)
    _rubrics(verb)
    _lint(verb)
    _audit(verb)
    _import(verb)


def _cases(verb: Verb) -> None:
    made = verb(
        "cases",
        summary="list cases, or show one",
        examples=(
            "medsim cases --setting ed",
            "medsim cases show winter-cough --truth",
            "medsim cases schema > case.schema.json",
            "medsim cases from-world sore-throat --n 20 --seed 0 --to packs/throats",
            "medsim cases from-fhir bundle.json --to case.yaml",
            "medsim cases new restless-man.yaml",
            "medsim cases index --to docs/cases.md",
        ),
    )
    whats = "list (default), show ID, new FILE (begin one), index (a page), schema (JSON Schema), from-world NAME or from-fhir BUNDLE"
    made.add_argument("what", nargs="?", default="list", metavar="WHAT", help=whats)
    made.add_argument(
        "id",
        nargs="?",
        help="show: case id or file; new: the file to write; from-world: name or file of a world; from-fhir: a FHIR Bundle as JSON",
    )
    made.add_argument("--truth", action="store_true", help="with show: everything, the diagnosis included")
    made.add_argument("--pack", action="append", help="pack name or folder (default: all shipped packs)")
    for name in ("specialty", "setting", "population", "tag", "grade"):
        made.add_argument(f"--{name}", action="append", help=f"only this {name}")
    made.add_argument("--n", type=int, default=20, help="from-world: how many patients (default: 20)")
    made.add_argument("--seed", type=int, default=0, help="from-world: which patients (default: 0)")
    made.add_argument("--to", metavar="PATH", help="folder of the new pack; file of the case or page")
    _chart_options(made)
    _new_options(made)


def _chart_options(cases: argparse.ArgumentParser) -> None:
    made = cases.add_argument_group("from-fhir (a case that begins from a patient's chart)")
    made.add_argument("--case-id", metavar="ID", help="id of the case (default: from the chart)")
    made.add_argument("--patient", metavar="ID", help="which Patient, where the Bundle holds several")
    made.add_argument(
        "--start", metavar="TIME", help="when the visit begins; what is later is left out (default: the day after the newest)"
    )
    made.add_argument("--since", metavar="DATE", help="leave out older results, visits and papers")
    made.add_argument("--diagnosis", metavar="NAME", action="append", help="what is the matter (again: other names); left out of the chart")
    made.add_argument("--skip-bad", action="store_true", help="leave out resources that are not valid FHIR")


def _new_options(cases: argparse.ArgumentParser) -> None:
    names = " ".join(f"--{name}" for name in ("case-id", "setting", "specialty", "diagnosis", *_NEW))
    told = f"Asks for what is not given; with --yes for nothing. Answers: {names}."
    made = cases.add_argument_group("new (the skeleton of a case)", textwrap.fill(told, 76))
    made.add_argument("--yes", action="store_true", help=argparse.SUPPRESS)
    for name in _NEW:  # named above: a line for each would bury the other uses of this verb
        made.add_argument(f"--{name}", metavar="TEXT", help=argparse.SUPPRESS)


def _rubrics(verb: Verb) -> None:
    made = verb(
        "rubrics",
        summary="list rubrics, or read and write those of HealthBench and LiveMedBench",
        examples=(
            "medsim rubrics",
            "medsim rubrics show harm",
            "medsim rubrics import healthbench.jsonl --to rubrics_hb",
            "medsim rubrics export signed --format livemedbench",
        ),
    )
    made.add_argument("what", nargs="?", default="list", metavar="WHAT", help="list (default), show NAME, import FILE, or export NAME …")
    made.add_argument("name", nargs="*", help="rubric names or files; with import: the JSON file")
    made.add_argument("--to", help="import: folder for the rubrics; export: file (default: printed)")
    made.add_argument(
        "--format", choices=["healthbench", "livemedbench"], default="healthbench", help="export: which JSON (default: healthbench)"
    )


def _lint(verb: Verb) -> None:
    made = verb(
        "lint",
        summary="say what is wrong with cases",
        examples=("medsim lint cases/starter", "medsim lint restless-man.yaml --watch"),
    )
    made.add_argument("path", nargs="+", help="case file, folder or pack name")
    made.add_argument("--no-gates", action="store_true", help="only what can be read off, without playing")
    made.add_argument(
        "--watch", action="store_true", help="lint again whenever a file changes, until ctrl-C (with --json: a line each time)"
    )


def _audit(verb: Verb) -> None:
    made = verb(
        "audit",
        summary="let doctors that know no medicine try to pass cases; with patient: measure how like a patient the patient is",
        examples=(
            "medsim audit starter",
            "medsim audit patient winter-cough --persona own --persona forgetful",
            "medsim audit patient starter --patient openai/gpt-4o-mini --patient-kind role --topics 12 --jobs 8",
            "medsim audit packs/sp --patient openai/gpt-4o-mini --controller openai/gpt-4o-mini --judge openai/gpt-4o-mini --jobs 8",
        ),
    )
    whats = "pack, folder, case file or case id; or: patient, then cases or packs (without any: all shipped)"
    made.add_argument("pack", nargs="+", metavar="PACK", help=whats)
    made.add_argument("--bots", action="append", metavar="NAME,...", help="only these (default: all)")
    made.add_argument(
        "--persona",
        action="append",
        metavar="PERSON",
        help="AXIS=LEVEL,...; with patient also a name (own, forgetful, wary, ...); repeatable",
    )
    made.add_argument(
        "--trials", type=int, metavar="N", help="with patient: how often each wording is tried, with other chance (default: 1)"
    )
    made.add_argument("--topics", type=int, metavar="N", help="with patient: ask about so many topics in each interview (default: all)")
    made.add_argument("--seed", type=int, default=0, help="seed of all chance (default: 0)")
    made.add_argument("--jobs", type=int, default=1, help="encounters at the same time (default: 1; more pays with models)")
    models(made, doctor=False)
    judging(made)


def _import(verb: Verb) -> None:
    made = verb(
        "import",
        summary="turn a public data set into a case pack",
        examples=(
            "medsim import agentclinic agentclinic_medqa.jsonl --to packs/medqa",
            "medsim import medsp1000 MedSP1000 --rubrics rubrics --to packs/sp",
            "medsim import medsp1000-runs runs --cases packs/sp --store runs.db",
        ),
    )
    made.add_argument("format", help="agentclinic, mediq or medsp1000; medsp1000-runs: a folder of old runs, into --store")
    made.add_argument("file", help="the data file or folder, from your own copy")
    made.add_argument("--images", metavar="DIR", help="agentclinic: folder with your own copies of the pictures (IC20240111.jpg)")
    made.add_argument("--rubrics", metavar="DIR", help="medsp1000: folder of <case>_<scenario>.json (default: rubrics beside the cases)")
    made.add_argument("--subset", metavar="FILE", help="medsp1000: only the packets of this list (subset.json, a manifest)")
    made.add_argument(
        "--mode", choices=["clean", "compat"], help="medsp1000: texts cleaned (default), or as the original engine reads them"
    )
    made.add_argument("--facts", choices=["atomic", "context"], help="mediq: what the patient tells, atomic facts (default) or sentences")
    made.add_argument("--to", help="folder of the pack (default: the file's name)")
    cases_at(made, where="medsp1000-runs: pack of the packets' cases, so that the runs can be scored again")
    stored(made, run="medsp1000-runs: name of the run they become")
