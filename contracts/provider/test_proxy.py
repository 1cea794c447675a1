"""The proxy, held to the page's pact."""

from __future__ import annotations

import pytest

from contracts.conftest import PACTS
from contracts.pactfile import PactFile
from contracts.provider.proxy import ProxyUnderTest
from contracts.verification import Verification, verify
from e2e.stack import Stack

PACT = PactFile.load(PACTS / "bench-frontend-cortex-proxy.json")


@pytest.fixture(scope="session")
def verification(stack: Stack, older_url: str) -> Verification:
    """What the proxy keeps of the whole pact; asked once."""
    proxy = ProxyUnderTest(stack, stack.proxy_url, older_url)
    try:
        return verify(PACT.path, proxy.provider(PACT))
    finally:
        proxy.release()
        proxy.activate("as_recorded")


@pytest.mark.parametrize("description", [each.description for each in PACT.interactions])
def test_the_proxy_keeps(description: str, verification: Verification) -> None:
    """The interaction is verified: its answer or event, and, of a stream, its whole sequence."""
    mine = [fault for fault in verification.faults if repr(description) in fault]
    assert not mine, "\n".join(mine)
    assert description in verification.verified


def test_nothing_is_left_out(verification: Verification) -> None:
    """No fault of any kind: nothing skipped, no state unknown or unused."""
    verification.check()
