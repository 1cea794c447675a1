"""Documents that people write: unknown keys are refused, and the refusal names the key that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails


class Strict(BaseModel):
    """Base of what is read from files and admin requests."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Everything that is wrong, as 'place: what'; unknown keys with those accepted there."""
    return "; ".join(_explain(item, model) for item in error.errors(include_url=False))


def hint(name: str, known: Iterable[str]) -> str:
    """The nearest known name, and all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return (f"; did you mean {close[0]!r}?" if close else ";") + f" Accepted here: {', '.join(names)}"


def _explain(item: ErrorDetails, model: type[BaseModel]) -> str:
    place = ".".join(map(str, item["loc"])) or "document"
    if item["type"] == "extra_forbidden":
        *above, key = item["loc"]
        return f"unknown key {place!r}{hint(str(key), _keys(model, above))}"
    return f"{place}: {item['msg'].removeprefix('Value error, ')}"


def _keys(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """The keys that a model accepts at a place inside it."""
    kind: Any = model
    for part in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = next(field.annotation for name, field in kind.model_fields.items() if part in (name, field.alias))
        else:
            kind = get_args(kind)[-1]  # of a list or mapping: what it holds
        if get_origin(kind) in (Union, UnionType):
            kind = next(each for each in get_args(kind) if each is not NoneType)
    return [field.alias or name for name, field in kind.model_fields.items()]
