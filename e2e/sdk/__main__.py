"""Official and public clients, unmodified, against the mock: `python -m e2e.sdk [client ...]`.

Their pins fight with each other and with ours, so each gets a throw-away environment. A script is given the mock's URL
and a private key's path, and proves with plain asserts what the client can do; its output is shown when it fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e import keys
from e2e.stack import Child

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Client:
    """A script of this folder and what it needs installed."""

    script: str
    requirements: tuple[str, ...]


TOKENS = "pyjwt[crypto]==2.15.1"
CONNECTOR = "snowflake-connector-python==4.8.1"
CLIENTS: tuple[Client, ...] = (
    Client("agent_sdk", ("snowflake-cortex-agent-sdk==0.0.3", CONNECTOR, TOKENS)),
    Client("snowflake_core", ("snowflake.core==1.13.2", CONNECTOR, TOKENS)),
    Client("connector", (CONNECTOR, TOKENS)),
    Client("connector", ("snowflake-connector-python==5.2.0", TOKENS)),
    Client("openai_client", ("openai==3.54.0", TOKENS)),
    Client("anthropic_client", ("anthropic==2.12.0", TOKENS)),
)


def main(wanted: Sequence[str]) -> int:
    """Run these clients, all when none is named; 1 when one failed, 2 when one is not known."""
    known = list(dict.fromkeys(client.script for client in CLIENTS))
    for name in wanted:
        if name not in known:
            print(f"no client {name!r}; there are: {', '.join(known)}", file=sys.stderr)  # noqa: T201
            return 2
    failed = [client.script for client in CLIENTS if client.script in (wanted or known) and not _passes(client)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


def _passes(client: Client) -> bool:
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as folder:
        home = Path(folder)
        python = _environment(home / "venv", client.requirements)
        made = keys.ensure(home)
        mock = Child(
            "mock", ["mock", "--port", "0", "--pace", "0", "--public-key", str(made.public_key)], {}, home / "log"
        )
        try:
            done = subprocess.run(  # noqa: S603 - our own scripts
                [str(python), "-m", f"e2e.sdk.{client.script}", mock.url(), str(made.private_key)],
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT_S,
                cwd=home,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        finally:
            mock.stop()
        verdict = "ok" if done.returncode == 0 else f"exit {done.returncode}"
        print(f"{client.script}: {verdict} ({', '.join(client.requirements)}; {time.monotonic() - started_s:.1f} s)")  # noqa: T201
        if done.returncode:
            print(done.stdout, mock.last_words(), sep="\n")  # noqa: T201
        return done.returncode == 0


def _environment(folder: Path, requirements: Sequence[str]) -> Path:
    """The interpreter of a new environment with these packages.   Raises: CalledProcessError with uv's words shown."""
    uv, python = str(Path(sys.executable).with_name("uv")), folder / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)  # noqa: S603
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *requirements], check=True)  # noqa: S603
    return python


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
