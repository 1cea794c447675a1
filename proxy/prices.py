"""What models cost: a YAML file that somebody keeps, since Snowflake reports tokens and never money.

models:
  some-model: {input: 3.0, cached: 0.3, output: 15.0}    # US dollars per million tokens
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.cortex import TokensConsumed

MILLION = 1_000_000
MAX_MODELS = 24
"""Each model is a value of a label, and four series."""

MAX_FILE_BYTES = 64 * 1024
MAX_TOKENS = 1_000_000_000
"""Of one answer. What Snowflake reports is counted for ever, so a number beyond all sense is cut to this."""

Dollars = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$")]


class Price(BaseModel):
    """US dollars per million tokens.   cached: for the part of the input that came from a cache."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

    input: Dollars
    cached: Dollars
    output: Dollars


class Prices(BaseModel):
    """The price of every model that has one, by the name under which Snowflake reports it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: Annotated[dict[ModelName, Price], Field(max_length=MAX_MODELS)] = Field(default_factory=dict)

    def cost_usd(self, spent: Spent) -> float | None:
        """What these tokens cost; None for a model without a price."""
        price = self.models.get(spent.model)
        if price is None:
            return None
        uncached = max(spent.input - spent.cached, 0)
        return (uncached * price.input + spent.cached * price.cached + spent.output * price.output) / MILLION


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one model in one answer; cached ones are part of the input."""

    model: str
    input: int
    cached: int
    output: int


def spent(reported: Sequence[TokensConsumed]) -> tuple[Spent, ...]:
    """What Snowflake reported, model by model, within bounds."""
    return tuple(
        Spent(
            each.model_name,
            _within_bounds(each.input_tokens.total),
            _within_bounds(each.input_tokens.cache_read),
            _within_bounds(each.output_tokens.total),
        )
        for each in reported
    )


def _within_bounds(tokens: int) -> int:
    return min(max(tokens, 0), MAX_TOKENS)


def load(path: Path) -> Prices:
    """The file's prices.   Raises: OSError; ValueError naming the file, each key at fault and what is accepted."""
    text = path.read_bytes()
    if len(text) > MAX_FILE_BYTES:
        raise ValueError(f"{path} has {len(text)} bytes; a price table has at most {MAX_FILE_BYTES}")
    try:
        document: Any = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is no YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(document, Mapping):
        raise ValueError(f"{path}: 'models' is expected at the top, and below it a price for each model")
    try:
        return Prices.model_validate(dict(document))
    except ValidationError as error:
        raise ValueError(f"{path}: {'; '.join(_fault(each) for each in error.errors()[:5])}") from error


def _fault(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        accepted = ", ".join(Prices.model_fields if len(error["loc"]) == 1 else Price.model_fields)
        return f"{place}: no such key; accepted: {accepted}"
    if error["type"] == "missing":
        return f"{place}: missing; a price is input, cached and output, in US dollars per million tokens"
    return f"{place}: {error['msg']} (found {str(error['input'])[:60]!r})"
