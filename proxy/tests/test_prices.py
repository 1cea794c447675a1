"""Prices come from a file; whatever is wrong with it is told with its name, the key and what is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.cortex import TokensConsumed
from proxy import prices
from proxy.prices import MAX_MODELS, MAX_TOKENS, Spent, load, spent
from proxy.tests.conftest import MakeSettings

EXAMPLE = Path(prices.__file__).parent / "deploy" / "prices.example.yaml"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a price table is."""
    return tmp_path / "prices.yaml"


def test_a_price_is_per_million(path: Path) -> None:
    """Input that came from a cache costs what cached input costs, all other input the full price."""
    path.write_text("models: {m: {input: 3, cached: 0.5, output: 15}}", encoding="utf-8")
    assert load(path).cost_usd(Spent("m", 2_000_000, 500_000, 100_000)) == pytest.approx(1.5 * 3 + 0.25 + 1.5)


@pytest.mark.parametrize("model", ["M", "", "m2"])
def test_a_model_without_a_price_has_none(path: Path, model: str) -> None:
    """Free is a price; unknown is none."""
    path.write_text("models: {m: {input: 0, cached: 0, output: 0}}", encoding="utf-8")
    assert load(path).cost_usd(Spent(model, 1, 0, 1)) is None
    assert load(path).cost_usd(Spent("m", 1, 0, 1)) == 0


def test_more_cached_than_read_costs_no_less_than_nothing(path: Path) -> None:
    """A report that contradicts itself gives no discount."""
    path.write_text("models: {m: {input: 3, cached: 1, output: 15}}", encoding="utf-8")
    assert load(path).cost_usd(Spent("m", 0, 1_000_000, 0)) == 1


def test_reports_are_within_bounds() -> None:
    """Counters only rise, and not beyond all sense, whatever Snowflake writes."""
    reported = {"model_name": "m", "input_tokens": {"total": 10**30, "cache_read": -5}, "output_tokens": {"total": 7}}
    assert spent([TokensConsumed.model_validate(reported)]) == (Spent("m", MAX_TOKENS, 0, 7),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("models: {m: {input: 3, cached: 1}}", "models.m.output: missing", id="missing"),
        pytest.param("models: {m: {input: -3, cached: 1, output: 2}}", "models.m.input: .*greater", id="negative"),
        pytest.param("models: {m: {input: dear, cached: 1, output: 2}}", "models.m.input: .*'dear'", id="word"),
        pytest.param("models: {m: {input: .inf, cached: 1, output: 2}}", "models.m.input: ", id="endless"),
        pytest.param("models: {m: 3}", "models.m: .*found '3'", id="number"),
        pytest.param(
            "models: {m: {input: 1, cached: 1, output: 2, euro: 1}}",
            "models.m.euro: no such key; accepted: input, cached, output",
            id="unknown key",
        ),
        pytest.param("prices: {}", "prices: no such key; accepted: models", id="unknown root"),
        pytest.param("models: {'a b': {input: 1, cached: 1, output: 2}}", "models.a b: ", id="no name"),
        pytest.param("- 1", "'models' is expected at the top", id="list"),
        pytest.param("", "'models' is expected at the top", id="empty"),
        pytest.param("models: [", "is no YAML", id="no YAML"),
        pytest.param("models: &a {b: *a}", "", id="itself"),
        pytest.param("#" * 70_000, "at most 65536", id="large"),
        pytest.param(
            "models: {" + ", ".join(f"m{n}: {{input: 1, cached: 1, output: 1}}" for n in range(MAX_MODELS + 1)) + "}",
            f"at most {MAX_MODELS}",
            id="many",
        ),
    ],
)
def test_a_bad_table_is_told(path: Path, text: str, told: str) -> None:
    """Which file, which key, what was found, what is accepted."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"{path}.*{told}"):
        load(path)


def test_settings_with_a_bad_table_stop_the_start(make_settings: MakeSettings, path: Path) -> None:
    """Found now, and not with the first answer; the variable is named."""
    path.write_text("models: {m: {}}", encoding="utf-8")
    with pytest.raises(ValidationError, match=rf"CORTEX_PROXY_PRICES_FILE: {path}: models.m.input: missing"):
        make_settings(prices_file=path)


def test_the_example_is_a_table_and_says_that_it_is_none() -> None:
    """It can be used as it stands, for a rehearsal, and nobody can take its numbers for real ones."""
    assert load(EXAMPLE).models
    assert EXAMPLE.read_text(encoding="utf-8").startswith("# Made-up prices")
