"""What the verifications of the proxy share: one running stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.provider.proxy import ENVIRONMENT
from e2e.stack import Stack, running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Mock and proxy, answering at once, with limits that can be reached."""
    with running(pace=0.0, strict=True, proxy_environment=ENVIRONMENT) as started:
        yield started
