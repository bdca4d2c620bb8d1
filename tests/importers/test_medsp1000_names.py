"""What the names of MedSP1000 tell: article and twin, the order of packets, the files of rubrics, and lists of packets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.errors import CaseError
from medsim.importers.medsp1000_names import natural, origin, packet_of, read_subset, rubric_path


@pytest.mark.parametrize(
    ("case", "article", "twin"),
    [
        ("mededportal_9914", "9914", ""), ("mededportal_9400_1", "9400", "mededportal_9400"), ("mep-12-10505-s001", "10505", ""),
        ("mep-12-10505-s001_2", "10505", "mep-12-10505-s001"), ("mep_2374-8265.11104-s001", "11104", ""),
        ("mep_2374-8265.11104-s001_1", "11104", "mep_2374-8265.11104-s001"),
    ],
)  # fmt: skip
def test_a_case_name_tells_its_article_and_its_twin(case: str, article: str, twin: str) -> None:
    assert origin(case) == (f"10.15766/mep_2374-8265.{article}", article, twin)


def test_another_name_is_a_group_of_its_own() -> None:
    assert origin("my_case") == ("", "my_case", "")


@given(st.lists(st.text(alphabet="ab10_²", max_size=6), unique_by=natural))
def test_any_names_have_one_order_whatever_order_they_come_in(names: list[str]) -> None:
    turned = names[::-1]
    assert sorted(names, key=natural) == sorted(turned, key=natural)


@pytest.mark.parametrize("name", ["a/scenario1", "mededportal_9400_1/scenario12", "mep_2374-8265.11104-s001/scenario"])
def test_the_file_of_a_rubric_names_its_packet(name: str) -> None:
    path = rubric_path(Path("rubrics"), name)
    assert path.parent == Path("rubrics")
    assert packet_of(path) == name


@pytest.mark.parametrize("name", ["README.md", "a.json", "a_scenario1.txt", "scenario1.json", "a_scenarioX.json"])
def test_another_file_is_the_rubric_of_no_packet(name: str) -> None:
    assert packet_of(Path("rubrics") / name) == ""


@pytest.mark.parametrize(
    "content",
    [
        {"name": "two", "scenarios": ["a/scenario1", "b/scenario2"]},
        ["/mnt/elsewhere/data/a/scenario1", "/mnt/elsewhere/data/b/scenario2/"],
        [{"case_id": "a", "scenario_id": "scenario1"}, {"case_id": "b", "scenario_id": "scenario2"}],
        ["/mnt/data/a", "b/scenario2", "b/scenario2"],
    ],
)
def test_a_subset_may_be_a_list_a_manifest_or_an_object(tmp_path: Path, content: object) -> None:
    path = tmp_path / "subset.json"
    path.write_text(json.dumps(content))
    assert read_subset(path) == ["a/scenario1", "b/scenario2"]


@pytest.mark.parametrize("content", ["{", "5", '{"scenarios": 5}', "[[]]", '[""]', '["/"]'])
def test_a_subset_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "subset.json"
    path.write_text(content)
    with pytest.raises(CaseError, match=r"subset\.json"):
        read_subset(path)
