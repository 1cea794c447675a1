"""What the verifications of the proxy share: one running stack."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from contracts.provider.proxy import ENVIRONMENT, OLDER_MODEL
from e2e import keys
from e2e.stack import LOOPBACK, Child, Stack, proxy_settings, running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Mock and proxy, answering at once, with limits that can be reached."""
    with running(pace=0.0, strict=True, proxy_environment=ENVIRONMENT) as started:
        yield started


@pytest.fixture(scope="session")
def older_url(stack: Stack) -> Iterator[str]:
    """One more proxy, which asks an agent of the older form; with the same keys."""
    config = stack.log_dir / "older.json"
    config.write_text(json.dumps({"model": OLDER_MODEL}))
    own = {
        "CORTEX_PROXY_AGENT_CONFIG_FILE": str(config),
        "CORTEX_PROXY_HISTORY_FILE": str(stack.log_dir / "older.sqlite3"),
    }
    environment = {**proxy_settings(stack.mock_url, keys.ensure(stack.log_dir)), **ENVIRONMENT, **own}
    command = ["proxy", "--host", LOOPBACK, "--port", "0"]
    child = Child("proxy of an older agent", command, environment, stack.log_dir / "older.log")
    try:
        yield child.url()
    finally:
        child.stop()
