"""Reading request bodies: JSON only, bounded, strictly as the model says."""

from __future__ import annotations

import json
from typing import TypeVar

from flask import request
from pydantic import ValidationError

from contracts.api import ApiRequest, ProblemType
from proxy.problems import ProblemError, invalid_request

R = TypeVar("R", bound=ApiRequest)


def read_json(model: type[R]) -> R:
    """The request's body as a model.   Raises: ProblemError naming every fault by JSON pointer."""
    if request.mimetype != "application/json":
        found = request.mimetype or "no content type"
        raise ProblemError(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"Send application/json; found {found}.")
    body = request.get_data()
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid_request(error, _document(body)) from error


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
