"""The package as users get it: the built wheel, installed alone, and extras that keep to themselves.

Standard library only; `tox -e package` runs it. Exits 1 with the reason when something is missing.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SHARED = {"prometheus-client", "urllib3"}
"""Asked for by one extra by name, and by another's packages anyway."""

FILES = ["mocks/cassettes/agents/net_sales_by_region.jsonl", "mocks/scenarios/cut_mid_stream.yaml"]
FILES += ["e2e/client/index.html", "e2e/client/vendor/vendor.json", "harness.py", "fixtures/bench/schema.sql"]
FILES += ["mocks/console/index.html", "fixtures/bench/semantic_model.yaml", "pytest_cortex_mock.py"]
FILES += [
    "dashboards/generated/dashboards/overview.json",
    "dashboards/generated/rules/proxy.yaml",
    "dashboards/slo.yaml",
]
FILES += ["dashboards/runbooks/CortexProxyDown.md", "dashboards/provisioning/prometheus/prometheus.yml"]
FILES += ["contracts/shared/lib/index.js", "fixtures/allowed.yaml"]
STORIES = ["evidence.yaml", "leash.py", "quarantine.yaml", "report.html.jinja", "stories/test_any_page.py"]
STORIES += [f"template/{name}" for name in ("conftest.py", "their_page.py", "test_their_page.py", "page/index.html")]
FILES += [f"e2e/{name}" for name in STORIES]


def main() -> None:
    """Build, install, run; resolve the proxy's extra."""
    for extra in ("proxy", "mock", "dashboards", "push"):
        check_extra(extra)
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder))
        check_install(wheel, Path(folder))
    print("package: ok")  # noqa: T201


def check_extra(extra: str) -> None:
    """What an extra installs holds nothing that only other extras or the tests ask for."""
    exported = run("uv", "export", "--quiet", "--locked", "--no-hashes", "--no-emit-project", "--extra", extra)
    installed = {_name(line) for line in exported.splitlines() if line and not line.startswith(("#", " "))}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    own = {_name(each) for each in [*project["project"]["dependencies"], *extras[extra]]}
    groups = [*extras.values(), *project["dependency-groups"].values()]
    others = (
        {_name(each) for group in groups for each in group if isinstance(each, str)} - own - SHARED - {"cortex-harness"}
    )
    if missing := own - installed:
        fail(f"the extra {extra!r} does not install {sorted(missing)}")
    if foreign := installed & others:
        fail(f"the extra {extra!r} also installs {sorted(foreign)}, which others ask for")


def _name(requirement: str) -> str:
    """The package that a requirement names."""
    return re.split(r"[\[=;<>\s]", requirement)[0].lower()


def build(folder: Path) -> Path:
    """The wheel, holding every file that users need and no tests."""
    run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder))
    wheel = next(folder.glob("*.whl"))
    listed = run(sys.executable, "-m", "zipfile", "--list", str(wheel))
    if missing := [name for name in FILES if name not in listed]:
        fail(f"{wheel.name} lacks {missing}")
    if "/tests/" in listed:
        fail(f"{wheel.name} holds tests")
    return wheel


def check_install(wheel: Path, folder: Path) -> None:
    """Installed alone, the console script and the mock's loading work, away from the source tree."""
    environment = folder / "venv"
    run("uv", "venv", "--quiet", "--python", sys.executable, str(environment))
    python = environment / "bin" / "python"
    command = environment / "bin" / "cortex-harness"
    run("uv", "pip", "install", "--quiet", "--python", str(python), str(wheel))
    for name in ("up", "mock", "proxy", "load", "test", "dashboards build", "dashboards push --url http://127.0.0.1:9"):
        check_refusal(command, name, folder)
    run("uv", "pip", "install", "--quiet", "--python", str(python), f"{wheel}[up]")
    version = run(str(command), "--version", cwd=folder)
    if "0.1.0" not in version:
        fail(f"cortex-harness --version printed {version!r}")
    check_up(command, folder)


def check_refusal(command: Path, name: str, folder: Path) -> None:
    """Without its extra a command says what to install, in one line."""
    done = subprocess.run(  # noqa: S603 - ours
        [command, *name.split()], cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False
    )
    hint = "clone the repository" if name == "test" else "pip install 'cortex-harness["
    if done.returncode != 1 or hint not in done.stderr or "Traceback" in done.stderr:
        fail(f"cortex-harness {name} without its extra exits {done.returncode} and says: {done.stderr}")


def check_up(command: Path, folder: Path) -> None:
    """`cortex-harness up`, far from any source tree, serves the page and what it needs."""
    up = [str(command), "up", "--port", "0", "--mock-port", "0"]
    process = subprocess.Popen(up, cwd=folder, env=clean_environment(), stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert process.stdout is not None, "started with a pipe"
        first = process.stdout.readline()
        if not first.startswith("{"):
            fail(f"cortex-harness up printed {first!r} instead of where it is")
        page = json.loads(first)["page"]
        for path, holds in (
            ("", "<html"),
            ("client/vendor/vega.js", "vega"),
            ("client/shared/index.js", "createClient"),
            ("rehearsal.json", "Net sales by region"),
        ):
            with urllib.request.urlopen(page + path, timeout=10) as answer:  # noqa: S310 - our own loopback URL
                if holds not in answer.read().decode():
                    fail(f"{page}{path} lacks {holds!r}")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def run(*command: str, cwd: Path = ROOT) -> str:
    """A command's output; what it wrote and exit 1 when it fails."""
    done = subprocess.run(command, cwd=cwd, env=clean_environment(), capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        fail(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def clean_environment() -> dict[str, str]:
    """Ours, without what would lead back to the source tree."""
    ours = ("VIRTUAL_ENV", "PYTHONPATH", "CORTEX_HARNESS_BOOTSTRAPPED")
    return {key: value for key, value in os.environ.items() if key not in ours}


def fail(reason: str) -> None:
    """Say why and end."""
    print(f"package: {reason}", file=sys.stderr)  # noqa: T201
    sys.exit(1)


if __name__ == "__main__":
    main()
