"""The stand-in for Snowflake keeps the proxy's pact; so does an account, when the environment names one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.conftest import PACTS
from contracts.consumer import upstream
from contracts.pactfile import PactFile
from contracts.provider.account import Account, told
from contracts.verification import Provider, verify
from mocks import MockCortex
from mocks.assumptions import Assumptions
from proxy.keypair import KeyPairSigner

PACT = PACTS / f"{upstream.CONSUMER}-{upstream.PROVIDER}.json"


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Account]:
    """The mock, which plays at full speed, asked by the proxy's own credential."""
    with MockCortex(assume=Assumptions(sql_partition_bytes=300)) as mock:
        signer = KeyPairSigner("MYORG-BENCH", "CORTEX_PROXY_USER", mock.private_key_file)
        yield Account(mock.url, signer, upstream.ROLE, upstream.WAREHOUSE, mock.use)


def provider(account: Account) -> Provider:
    """The account in all of the states that the pact is declared for."""
    states = [upstream.AS_RECORDED, *(each.state for each in (*upstream.REFUSALS, upstream.FAILING, upstream.ENDLESS))]
    return Provider(
        name=upstream.PROVIDER,
        url=account.url,
        states={name: account.state(name) for name in states},
        messages={each.name: told(account, each.event) for each in upstream.TOLD},
        headers=account.headers,
    )


def test_the_stand_in_keeps_the_pact(stand_in: Account) -> None:
    """Every exchange, every event and every sequence that the proxy relies on."""
    verification = verify(PACT, provider(stand_in))
    verification.check()
    assert len(verification.verified) == len(PactFile.load(PACT).interactions)
