"""What the contracts' tests share: whether the consumers' tests write their pacts, and one running stack."""

from __future__ import annotations

from pathlib import Path

import pytest

PACTS = Path(__file__).parent / "pacts"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--write-pacts`."""
    parser.addoption(
        "--write-pacts", action="store_true", help="write the pacts of the consumers' tests instead of comparing them"
    )


@pytest.fixture(scope="session")
def write_pacts(request: pytest.FixtureRequest) -> bool:
    """Whether pacts are to be written, or else compared with the committed ones."""
    return bool(request.config.getoption("--write-pacts"))
