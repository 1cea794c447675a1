"""Reading request bodies: JSON only, bounded, strictly as the model says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from flask import request
from pydantic import ValidationError

from contracts.api import ApiRequest, ProblemType
from proxy.problems import ProblemError, invalid_request

R = TypeVar("R", bound=ApiRequest)


def read_body() -> bytes:
    """The whole body.   Raises: RequestEntityTooLarge past the limit."""
    body = request.get_data()
    if request.content_length is None:
        request.stream.read(1)  # Werkzeug cuts a chunked body at the limit without a word; only reading on raises
    return body


def read_json(model: type[R], media_types: Sequence[str] = ("application/json",)) -> R:
    """The request's body as a model.   Raises: ProblemError naming every fault by JSON pointer."""
    if request.mimetype not in media_types:
        found = request.mimetype or "no content type"
        raise ProblemError(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"Send {' or '.join(media_types)}; found {found[:100]}.")
    body = read_body()
    try:
        asked = model.model_validate_json(body)
    except ValidationError as error:
        raise invalid_request(error, lambda: _document(body)) from error
    _document(body)
    return asked


def _document(body: bytes) -> Any:
    """The parsed body.   Raises: ProblemError for what pydantic lets pass: NaN, and all but the last of equal names."""
    try:
        return json.loads(body.decode(), parse_constant=_refuse, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise ProblemError(ProblemType.MALFORMED_JSON, f"{error}.") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    found = dict(pairs)
    if len(found) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"The name {twice[:100]!r} occurs more than once in an object")
    return found
