"""What a push does before it talks to a Grafana; the rest is in push/, beside grafana-client."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from dashboards import push
from dashboards.push import PushError, token_from


def test_a_token_file_goes_before_a_value(tmp_path: Path) -> None:
    """The end of its line is no part of it."""
    file = tmp_path / "token"
    file.write_text("glsa_file\n")
    assert token_from("glsa_value", file) == "glsa_file"
    assert token_from("glsa_value", None) == "glsa_value"


@pytest.mark.parametrize("value", [None, "", "glsa_a b", "glsa_ä", "glsa_\n2"])
def test_what_is_no_token(value: str | None) -> None:
    """It says so and does not repeat it."""
    with pytest.raises(PushError) as raised:
        token_from(value, None)
    assert "token" in str(raised.value)
    assert "glsa" not in str(raised.value)


def test_a_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, or no text: named with the reason."""
    with pytest.raises(PushError, match=r"absent: No such file or directory"):
        token_from(None, tmp_path / "absent")
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(PushError, match=r"key: it is no text"):
        token_from(None, tmp_path / "key")


@pytest.mark.parametrize("content", ["{", "[]"], ids=["broken", "no-document"])
def test_a_build_that_cannot_be_read(tmp_path: Path, content: str) -> None:
    """The file is named."""
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "overview.json").write_text(content)
    with pytest.raises(PushError, match=r"overview\.json"):
        push.documents(tmp_path)


def test_without_grafana_client_the_way_is_told() -> None:
    """This environment must not have it; the message says where it may be."""
    assert find_spec("grafana_client") is None
    told: list[str] = []
    assert push.run("http://127.0.0.1:3000", "glsa_x", say=told.append) == 1
    assert "pip install 'cortex-harness[push]'" in told[0]
