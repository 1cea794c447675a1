"""Third-party code of the reference page is exactly what its packages hold."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from pathlib import Path

import vl_convert

VENDOR = Path(__file__).parent / "client" / "vendor"


def listed() -> list[dict[str, str]]:
    """The packages that vendor.json names."""
    packages: list[dict[str, str]] = json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))
    return packages


def test_every_file_is_listed_and_unchanged() -> None:
    """Each vendored file has an entry, and the hash that the entry says."""
    assert {each["file"] for each in listed()} == {path.name for path in VENDOR.glob("*.js")}
    for each in listed():
        assert hashlib.sha256((VENDOR / each["file"]).read_bytes()).hexdigest() == each["sha256"], each["name"]


def test_vega_is_what_the_pinned_package_makes() -> None:
    """The committed bundle equals the one that the installed vl-convert-python produces."""
    version = importlib.metadata.version("vl-convert-python")
    assert f"pypi:vl-convert-python=={version}" in {each["source"] for each in listed()}
    made = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # the stub asks for a snippet, the function does not
    assert (VENDOR / "vega.js").read_bytes() == made.encode("utf-8")


def test_every_licence_is_told() -> None:
    """The licence text of each vendored file is in LICENSES.txt."""
    text = (VENDOR / "LICENSES.txt").read_text(encoding="utf-8")
    for each in listed():
        assert each["file"] in text
        assert each["licence"].removesuffix("-Clause") in text
