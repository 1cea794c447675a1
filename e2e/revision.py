"""Which commit is checked out."""

from __future__ import annotations

import subprocess
from pathlib import Path

GIT_TIMEOUT_S = 30


def revision(root: Path) -> str:
    """The commit; empty where there is no checkout, or no git."""
    return _git(root, "rev-parse", "HEAD")


def is_changed(root: Path) -> bool:
    """Whether files differ from the commit."""
    return bool(_git(root, "status", "--porcelain"))


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            ["git", "-C", str(root), *words],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
