"""The models file: names and numbers, filled from the environment, never a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsim.errors import CaseError
from medsim.llm import Call, Endpoint, Message, Role
from medsim.llm.roles import load, of, with_models

KEY = "sk-canary-0123456789abcdef"


def written(folder: Path, text: str) -> Path:
    path = folder / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str) -> dict[str, Role]:
    return load(written(folder, "schema: medsim.models/1\n" + text))


def test_a_role_is_read_with_everything_that_it_says(tmp_path: Path) -> None:
    roles = loaded(
        tmp_path,
        'doctor: {model: openai/gpt-4o-mini, api_base: "${MEDSIM_NOT_SET:-}", temperature: 0, max_tokens: 512, concurrency: 32, timeout: 60s, '
        "retries: 4, price_in: 0.15, price_out: 0.6}\njudge: {model: anthropic/claude-sonnet-4}\n",
    )
    assert list(roles) == ["doctor", "judge"]
    assert roles["doctor"].endpoint(Endpoint(backoff=0.1)) == Endpoint(
        "openai/gpt-4o-mini", concurrency=32, timeout=60.0, retries=4, backoff=0.1, price_in=0.15, price_out=0.6
    )


def test_variables_are_filled_and_their_defaults_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDSIM_BASE", "http://127.0.0.1:8000/v1")
    role = loaded(
        tmp_path, 'doctor: {model: "openai/${MEDSIM_NOT_SET:-local}", api_base: "${MEDSIM_BASE}", concurrency: "${MEDSIM_NOT_SET:-7}"}\n'
    )["doctor"]
    assert (role.model, role.api_base, role.concurrency) == ("openai/local", "http://127.0.0.1:8000/v1", 7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("doctor: {model: m, api_key: abc}", "no place in a models file"),
        ("doctor: {model: m, headers: {Authorization: abc}}", "no place in a models file"),
        (f"doctor: {{model: {KEY}}}", "looks like a key"),
        ("doctor: {model: m, api_base: Bearer abcdef}", "looks like a key"),
        ('doctor: {model: "${OPENAI_API_KEY:-x}"}', "holds a secret"),
        ('doctor: {model: "${MEDSIM_NOT_SET}"}', "MEDSIM_NOT_SET is not set"),
        ('doctor: {model: "${MEDSIM NOT SET}"}', r"\$\{NAME:-default\}"),
        ("docter: {model: m}", "Did you mean 'doctor'"),
        ("doctor: {model: m, temprature: 0}", "Did you mean 'temperature'"),
        ("doctor: {model: m, price_in: 1}", "go together"),
        ("doctor: {model: m, timeout: 60}", "needs a unit"),
        ("doctor: {model: m, concurrency: 0}", "greater than or equal to 1"),
        ("doctor: {temperature: 0}", "'model' is missing"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CaseError, match=said) as caught:
        loaded(tmp_path, text)
    assert "models.yaml:2:" in str(caught.value)


def test_a_key_in_the_file_is_not_repeated_in_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "plainlookingcanary")
    for value in (KEY, "plainlookingcanary"):
        for text in (
            f"doctor: {{model: {value}}}",
            f"doctor: {{model: m, temperature: {value}}}",
            f"doctor: {{model: m, api_key: {value}}}",
        ):
            with pytest.raises(CaseError) as caught:
                loaded(tmp_path, text)
            assert value not in str(caught.value)


def test_a_role_fills_only_what_a_call_leaves_open() -> None:
    role = Role(model="openai/local", temperature=0.5, max_tokens=64)
    filled = role.fill(Call("", (Message("user", "?"),), temperature=0.0))
    assert (filled.model, filled.temperature, filled.max_tokens, filled.seed) == ("openai/local", 0.0, 64, None)


def test_the_command_line_names_a_model_or_a_server_of_ones_own() -> None:
    assert of("openai/gpt-4o-mini").model == "openai/gpt-4o-mini"
    own = of("openai/local@http://127.0.0.1:8000/v1")
    assert (own.model, own.api_base) == ("openai/local", "http://127.0.0.1:8000/v1")
    assert of("vertex_ai/claude@20240620").model == "vertex_ai/claude@20240620"


def test_another_model_does_not_inherit_address_key_or_prices(tmp_path: Path) -> None:
    roles = loaded(
        tmp_path,
        "doctor: {model: openai/local, api_base: 'http://127.0.0.1:1/v1', key_env: MINE, price_in: 1, price_out: 1, timeout: 9s, seed: 3}",
    )
    changed = with_models(roles, {"doctor": "openai/gpt-4o-mini", "judge": "openai/gpt-4o", "patient": None})
    assert changed["doctor"] == Role(model="openai/gpt-4o-mini", timeout="9s", seed=3)
    assert list(changed) == ["doctor", "judge"]
    assert with_models(roles, {"doctor": "openai/local"}) == roles


@pytest.mark.parametrize("text", [KEY, "", "@http://127.0.0.1"])
def test_a_key_or_nothing_in_place_of_a_model_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(CaseError, match="A model was expected") as caught:
        of(text)
    assert KEY not in str(caught.value)


def test_an_unknown_role_on_the_command_line_is_refused() -> None:
    with pytest.raises(CaseError, match="Did you mean 'judge'"):
        with_models({}, {"juge": "openai/gpt-4o"})


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8000", "127.0.0.1:8000/v1", "localhost", "localhost:8000/v1", "models.example:80/v1", "10.0.0.1/v1"]
)
def test_an_address_without_its_scheme_is_never_taken_for_a_part_of_the_name(address: str) -> None:
    """Else what is meant for a server of one's own would be sent to the provider."""
    with pytest.raises(CaseError, match=f"write openai/local@http://{address}"):
        of(f"openai/local@{address}")


def test_a_version_after_a_models_name_stays_in_it() -> None:
    assert of("vertex_ai/claude@20240620").model == "vertex_ai/claude@20240620"
    assert of("vertex_ai/claude-3@default").api_base == ""
