"""What one tool call knows and may use, and how it reads what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from contracts.api import FieldError, ProblemType
from contracts.cortex import TokensConsumed, Wire
from contracts.telemetry import Surface
from proxy.calls import Call
from proxy.cortex import Ask, CortexClient
from proxy.policies import Policy
from proxy.problems import ProblemError
from proxy.settings import Settings

W = TypeVar("W", bound=Wire)


class Seals(Protocol):
    """Turns a value into a name that only its owner can turn back."""

    def seal(self, subject: str, value: str) -> str:
        """The value's name for this subject."""

    def unseal(self, subject: str, sealed: str) -> str:
        """The value behind the name.   Raises: ProblemError when it is not this subject's."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One tool call. `deadline_s` is `time.monotonic()`; `call` is cancelled when the client leaves."""

    settings: Settings
    cortex: CortexClient
    seals: Seals
    policy: Policy
    subject: str
    trace: Mapping[str, str]
    call: Call
    deadline_s: float
    on_spent: Callable[[Sequence[TokensConsumed]], None] = lambda _reported: None
    """Told what a model that the tool asked has spent."""

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, never less than none."""
        return max(self.deadline_s - time.monotonic(), 0.0)

    def check_deadline(self) -> None:
        """There is time left.   Raises: ProblemError."""
        if self.left_s <= 0:
            detail = f"A request to this tool may take {self.policy.deadline_s:g} s; ask for less."
            raise ProblemError(ProblemType.REQUEST_DEADLINE, detail)


def post(errand: Errand, surface: Surface, path: str, body: Mapping[str, Any]) -> Ask:
    """The plainest thing to ask: JSON there, JSON or a stream back."""
    return Ask(surface, path, errand.policy, body, deadline_s=errand.deadline_s)


def read(model: type[W], document: Any) -> W:
    """Snowflake's answer in its documented form.   Raises: ProblemError saying where it departs, not how."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        names = {each.alias or name for name, each in model.model_fields.items()}
        place = next((str(part) for part in error.errors()[0]["loc"] if part in names), "its root")
        detail = f"Snowflake's answer has not the documented form, at {place}."
        raise ProblemError(ProblemType.UPSTREAM_PROTOCOL, detail) from error


def invalid(*faults: FieldError) -> ProblemError:
    """The refusal of a body whose faults only the tool can see."""
    listed = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults[:5])
    return ProblemError(ProblemType.INVALID_REQUEST, listed, errors=list(faults))
