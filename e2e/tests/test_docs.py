"""The documents say what is true: links, commands, settings, routes and sources exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import harness
from e2e.bootstrap import ROOT
from mocks.cassette import load_all
from mocks.server import ROUTES
from mocks.state import HERE
from proxy.policies import Policies, Policy
from proxy.settings import ENV_PREFIX, Settings

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "fixtures").rglob("*.md"),
        *(ROOT / "proxy").rglob("*.md"),
    ]
)
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file or folder that exists."""
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [each for each in targets if "://" not in each and not (page.parent / each).exists()]
    assert missing == []


def test_commands_in_the_documents_exist() -> None:
    """`harness.py X` and `cortex-harness X` are commands of the front door, wherever a page names one."""
    text = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:harness\.py|`cortex-harness) ([a-z]+)", text))
    assert {"up", "test", "load"} <= named
    assert named <= set(harness.main.commands)


def test_settings_in_the_readme_exist() -> None:
    """Every CORTEX_PROXY_* variable that the README names is a setting."""
    named = set(re.findall(rf"{ENV_PREFIX}([A-Z_]+)", README))
    assert {name.partition("__")[0].lower() for name in named} <= set(Settings.model_fields)
    for name in named:
        _, *cell = name.lower().split("__")
        assert not cell or (cell[0] in Policies.model_fields and cell[1] in Policy.model_fields)


def test_routes_in_the_readme_are_documented() -> None:
    """Every address of the proxy that the README's table names is in its OpenAPI document, and the other way round."""
    paths = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text(encoding="utf-8"))["paths"]
    listed = {
        path for line in README.splitlines() if line.startswith("| `") for path in re.findall(r"(/[\w/.{}]+)`", line)
    }
    documented = {re.sub(r"/tools/\w+$", "/tools/{toolName}", path) for path in paths}
    assert {path for path in listed if path.startswith("/api/v1")} <= documented
    assert {path for path in documented if not path.endswith(("z", "status", "json", "docs"))} <= listed


def test_tox_environments_are_described() -> None:
    """Each env of tox.ini has a description, and those that documents call exist."""
    text = (ROOT / "tox.ini").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^\[testenv:(\w+)\]\n(description = .+)$", text, re.MULTILINE))
    assert len(sections) == text.count("[testenv:")
    called = set(re.findall(r"test -e ([\w,]+)", README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert {name for each in called for name in each.split(",")} <= set(sections)


def test_admin_routes_in_the_readme_are_routed() -> None:
    """The list of `/__mock` routes is the server's."""
    listed = re.search(r"/__mock/\{([^}]+)\}", README)
    assert listed
    patterns = {route.path.pattern.removeprefix("/__mock/") for route in ROUTES if "/__mock/" in route.path.pattern}
    routed = {pattern.partition("/(")[0] for pattern in patterns} - {"console"}  # the files of a page
    assert set(listed[1].split(",")) == routed


def test_every_cassette_names_a_section_of_the_wire_page() -> None:
    """The sources that cassettes name are sections of docs/cortex-wire.md."""
    page = (ROOT / "docs" / "cortex-wire.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)", page, re.MULTILINE))
    for tape in load_all(HERE / "cassettes"):
        named = re.findall(r"\b(\d+\.\d+)\b", tape.header.source)
        assert named, tape.name
        assert set(named) <= sections, tape.name


@pytest.mark.parametrize("page", ["README.md", "docs/stories.md"])
def test_stories_that_are_shown_are_played(page: str) -> None:
    """Every story that a page shows is one of the suite's, to the letter."""
    played = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "e2e" / "stories").glob("test_*.py"))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    shown = [block for block in blocks if "story: Story" in block]
    assert shown
    assert [block for block in shown if block not in played] == []


def test_ci_runs_the_readmes_test_command() -> None:
    """What CI runs is what the README tells people to run."""
    assert "python3 harness.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python3 harness.py test" in README


def test_pre_commit_is_valid() -> None:
    """The hooks are local and use the locked environment."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {repo["repo"] for repo in hooks} == {"local"}
    assert all(hook["entry"].startswith(".venv/bin/") for repo in hooks for hook in repo["hooks"])


def test_what_stands_behind_two_dashes_reaches_the_tests() -> None:
    """`test -e unit -- -k relay`, as CONTRIBUTING has it: nothing of it stays with our own command."""
    asked = ["-e", "unit", "--", "-k", "relay"]
    assert harness.test.make_context("test", [*asked]).params == {"tox_arguments": tuple(asked)}
