"""An errand as the route would make it, for tests of one tool."""

from __future__ import annotations

import time
from typing import Any

from contracts.api import ProblemType
from proxy.calls import Call
from proxy.cortex import CortexClient
from proxy.problems import ProblemError
from proxy.tools.errand import Errand

SUBJECT = "user-4711"


class OpenSeals:
    """Seals that can be read: `<subject>/<value>`."""

    def seal(self, subject: str, value: str) -> str:
        """The value after its owner."""
        return f"{subject}/{value}"

    def unseal(self, subject: str, sealed: str) -> str:
        """What stands after the owner.   Raises: ProblemError when that is somebody else."""
        owner, _, value = sealed.partition("/")
        if owner != subject:
            raise ProblemError(ProblemType.RESULT_NOT_FOUND, "It is somebody else's.")
        return value


def errand_for(cortex: CortexClient, policy: str, *, deadline_s: float | None = None, **changed: Any) -> Errand:
    """An errand with that policy.   deadline_s: from now on; the policy's when left out."""
    settings = cortex._settings
    row = getattr(settings.policies, policy).model_copy(update=changed)
    return Errand(
        settings=settings,
        cortex=cortex,
        seals=OpenSeals(),
        policy=row,
        subject=SUBJECT,
        trace={"traceparent": "00-x"},
        call=Call(),
        deadline_s=time.monotonic() + (row.deadline_s if deadline_s is None else deadline_s),
    )
