"""``medsim label`` at a prompt: blinded, in the rater's own order, resumable at any moment."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from medsim.agreement import Task, differing, labels_of, sheet
from medsim.agreement.sheet import sampled
from medsim.cli import main
from tests.agreement.conftest import CASES, JUDGED, Ward, truth, wrong
from tests.agreement.test_exchange import str_of


@pytest.fixture
def typed(ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    """Type lines at the prompt; gives (exit code, output, remarks)."""
    rubric = tmp_path / "talk.yaml"
    rubric.write_text(str_of(ward))

    def type_in(*lines: str, rater: str = "ann", more: tuple[str, ...] = ()) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        words = ["label", "r", "--rater", rater, "--rubric", str(rubric), "--store", str(ward.store.path), "--cases", *ward.places]
        code = main([*words, *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    return type_in


def kept(ward: Ward, rater: str = "ann") -> list[tuple[str, str, str]]:
    return [(one.trajectory, one.item, one.verdict) for one in labels_of(ward.store, ward.known) if one.rater == rater]


def order(ward: Ward, rater: str = "ann") -> list[Task]:
    return sheet(ward.known, rater=rater)


def test_every_verdict_is_stored_at_once_and_the_next_session_goes_on(ward: Ward, typed) -> None:  # type: ignore[no-untyped-def]
    code, out, err = typed("m", "u", "?", "n", "q")
    assert code == 0
    assert "4 of 96 labelled" in err
    first = [task.key for task in order(ward)]
    assert sorted(kept(ward)) == sorted((*key, verdict) for key, verdict in zip(first, ("met", "unmet", "unknown", "na"), strict=False))
    code, out, _ = typed("m")
    assert order(ward)[4].statement in out
    assert len(kept(ward)) == 5, "the pipe ended without q"


def test_nothing_gives_the_doctor_or_the_points_or_another_away(ward: Ward, typed) -> None:  # type: ignore[no-untyped-def]
    ward.judge("model-a", truth)
    ward.people("ben", truth)
    _, out, err = typed(*["u"] * 200)
    assert len(kept(ward)) == 2 * CASES * 6
    assert "The doctor is rude." in out
    for secret in ("secret-agent", "model-a", "ben", "[-2]", "HARM", "points", "golden"):
        assert secret not in out + err, secret


def test_each_rater_has_an_order_of_their_own(ward: Ward) -> None:
    ann, again, ben = ([task.key for task in order(ward, name)] for name in ("ann", "ann", "ben"))
    assert ann == again
    assert ann != ben
    assert sorted(ann) == sorted(ben)
    trajectories = list(dict.fromkeys(key[0] for key in ann))
    assert trajectories != sorted(trajectories), "not the order of the store"
    assert [key[0] for key in ann] == [name for name in trajectories for _ in range(6)], "one encounter after the other"


def test_back_goes_to_the_last_item_and_enter_keeps_it(ward: Ward, typed) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = typed("m", "b", "", "u", "b", "n", "q")
    keys = [task.key for task in order(ward)]
    assert sorted(kept(ward)) == sorted([(*keys[0], "met"), (*keys[1], "na")])
    assert "Your verdict so far: met" in out


def test_evidence_and_comment_are_kept_and_a_wrong_number_is_asked_again(ward: Ward, typed) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = typed("m 9999 no", "m 0 as the door note says", "what", "/zzz", "t", "h", "u 2 weeks ago")
    assert "There is no entry 9999" in out
    assert "'what' was not understood" in out
    assert "No entry holds 'zzz'" in out
    (one,) = labels_of(ward.store, ward.known)
    assert (one.verdict, one.evidence, one.comment) == ("met", (0,), "as the door note says")
    assert "There is no entry 2." in out, "a comment that begins with a number is not taken for one"


def test_adjudication_shows_only_what_differs_and_is_kept_apart(ward: Ward, typed) -> None:  # type: ignore[no-untyped-def]
    ward.people("ann", truth)
    _, _, err = typed("m", rater="eve", more=("--adjudicate",))
    assert "Two raters are needed" in err
    ward.people("ben", wrong(truth, share=0.1, name="ben"))
    differ = differing(labels_of(ward.store, ward.known))
    assert 0 < len(differ) < 30
    before = kept(ward), kept(ward, "ben")
    code, out, err = typed(*["m"] * 100, rater="eve", more=("--adjudicate", "--json"))
    assert code == 0
    assert json.loads(out[out.rindex("{") :]) == {"rater": "adjudicated", "labelled": len(differ), "of": len(differ)}
    assert {key[:2] for key in kept(ward, "adjudicated")} == differ
    assert (kept(ward), kept(ward, "ben")) == before
    assert kept(ward, "eve") == []
    (score,) = [one for one in ward.store.scores(min(differ)[0]) if one["judge"] == "human:adjudicated"]
    assert {item["judged"]["by"] for item in score["items"] if "judged" in item} == {"eve"}


def test_a_reserved_or_missing_name_and_two_jobs_at_once_are_refused(ward: Ward, typed) -> None:  # type: ignore[no-untyped-def]
    assert typed(rater="adjudicated")[0] == 2
    assert typed(rater="")[0] == 2
    assert typed(more=("--adjudicate", "--to", "x.csv"))[0] == 2
    assert kept(ward) == []


def test_only_judged_items_and_their_scope(ward: Ward, typed) -> None:  # type: ignore[no-untyped-def]
    assert {task.item.id for task in sheet(ward.known, rater="ann", judged=True)} == set(JUDGED)
    items = list(ward.rubric.items)
    scope = {"turns": 1}
    items[0] = items[0].model_validate({**items[0].model_dump(exclude_none=True), "judge": {"criterion": "Greets.", "scope": scope}})
    ward.rubric = ward.rubric.model_copy(update={"items": (items[0], items[2])})
    from medsim.agreement.sheet import allowed, view

    task = next(task for task in order(ward) if task.item.id == "greets" and task.encounter.agent == "secret-agent-1")
    shown = view(ward.store.load(task.encounter.trajectory))
    lines = allowed(shown, task.item)
    assert lines is not None
    assert 0 < len(lines) < len(shown.lines)


def test_a_sample_is_the_same_for_every_rater_and_spread_over_the_cases(ward: Ward, typed) -> None:  # type: ignore[no-untyped-def]
    some = sampled(ward.known, CASES)
    assert len({one.case.id for one in some}) == CASES
    assert len({one.agent for one in some}) == 2
    assert sampled(ward.known, 1000) == sampled(ward.known, 2 * CASES)
    for rater in ("ann", "ben"):
        typed(*["u"] * 100, rater=rater, more=("--sample", "3"))
    assert {key[:2] for key in kept(ward)} == {key[:2] for key in kept(ward, "ben")}
    assert len(kept(ward)) == 3 * 6
    assert typed("m", more=("--sample", "0"))[0] == 2


def test_hostile_words_in_a_transcript_are_shown_as_marks(ward: Ward, typed) -> None:  # type: ignore[no-untyped-def]
    with ward.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE events SET data = replace(data, 'chest discomfort', '[red]x[/red] \\u001b[31m\\u202e')")
    _, out, _ = typed("q")
    assert "[red]x[/red]" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
