"""What the tests of the mock share: a key pair, and a strict mock that plays the shipped cassettes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mocks.tests.running import KeyPair, RunningMock, running


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """A key pair whose public half is registered."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path_factory.mktemp("keys") / "rsa_key.pub"
    path.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return KeyPair(private, path)


@pytest.fixture(scope="session")
def mock(keys: KeyPair) -> Iterator[RunningMock]:
    """A strict mock with everything that is shipped."""
    with running(keys) as started:
        yield started
