"""Credentials: one of three kinds, files read anew, nothing of them in any representation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.cortex import TokenType
from proxy.calls import Call
from proxy.credentials import MAX_TOKEN_CHARS, FileToken, credential
from proxy.keypair import KeyPairSigner
from proxy.problems import ProblemError
from proxy.tests.conftest import Keys, MakeCortex, MakeSettings
from proxy.tests.upstream import STREAM, Exchange, Upstream


def test_the_kinds(make_settings: MakeSettings, tmp_path: Path) -> None:
    """The setting that is given decides the kind and the token type that Snowflake is told."""
    path = tmp_path / "token"
    path.write_text("made-up-token\n", encoding="utf-8")
    assert isinstance(credential(make_settings()), KeyPairSigner)
    for setting, token_type in (("pat_file", TokenType.PAT), ("oauth_token_file", TokenType.OAUTH)):
        found = credential(make_settings(private_key_file=None, **{setting: path}))
        assert (found.token_type, found.token()) == (token_type, "made-up-token")
        assert "made-up" not in repr(found)


def test_exactly_one(make_settings: MakeSettings, keys: Keys) -> None:
    """None or two credentials are refused, naming all three settings."""
    for given in ({"private_key_file": None}, {"pat_file": keys.session_key}):
        with pytest.raises(ValidationError, match="PRIVATE_KEY_FILE, CORTEX_PROXY_PAT_FILE, CORTEX_PROXY_OAUTH"):
            make_settings(**given)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n", id="blank"),
        pytest.param(b"two words", id="blanks"),
        pytest.param(b"two\nlines", id="lines"),
        pytest.param(b"x\x00y", id="nul"),
        pytest.param("tökén".encode(), id="no ascii"),
        pytest.param(b"x" * (MAX_TOKEN_CHARS + 1), id="long"),
    ],
)
def test_files_that_hold_no_token(tmp_path: Path, content: bytes) -> None:
    """The file is named, its content is not."""
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="holds no token") as error:
        FileToken(path, TokenType.PAT)
    assert str(path) in str(error.value)
    assert "words" not in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    """It stops the start."""
    with pytest.raises(FileNotFoundError):
        FileToken(tmp_path / "token", TokenType.PAT)


def test_a_file_that_changes(tmp_path: Path) -> None:
    """A new token counts at once; while the file is broken or gone the last one does."""
    path = tmp_path / "token"
    path.write_text("first", encoding="utf-8")
    found = FileToken(path, TokenType.OAUTH)
    for content, token in (("second", "second"), ("", "second"), (None, "second"), ("third", "third")):
        if content is None:
            path.unlink()
        else:
            draft = tmp_path / "draft"
            draft.write_text(content, encoding="utf-8")
            os.replace(draft, path)  # noqa: PTH105 - as those who write such files do
        assert found.token() == token


def test_a_refused_token(tmp_path: Path) -> None:
    """Another try is worth it only when the file holds another token by now."""
    path = tmp_path / "token"
    path.write_text("first", encoding="utf-8")
    found = FileToken(path, TokenType.OAUTH)
    assert not found.forget("first")
    path.write_text("second", encoding="utf-8")
    assert found.forget("first")


def test_what_is_sent(make_cortex: MakeCortex, tmp_path: Path) -> None:
    """The token travels with its type; one that is refused for good is not sent twice."""
    path = tmp_path / "token"
    path.write_text("first", encoding="utf-8")

    def only_second(exchange: Exchange) -> None:
        if exchange.headers["authorization"] == "Bearer second":
            exchange.stream(STREAM, end=True)
        else:
            path.write_text(renewed, encoding="utf-8")
            exchange.json({"code": "390318"}, "401 Unauthorized")

    renewed = "first"
    with Upstream(only_second) as upstream:
        client = make_cortex(snowflake_url=upstream.url, private_key_file=None, oauth_token_file=path)
        with pytest.raises(ProblemError):
            client.start_run({"messages": []}, {}, Call())
        renewed = "second"
        client.start_run({"messages": []}, {}, Call()).close()
    sent = [
        (each.headers["authorization"], each.headers["x-snowflake-authorization-token-type"]) for each in upstream.seen
    ]
    assert sent == [("Bearer first", "OAUTH"), ("Bearer first", "OAUTH"), ("Bearer second", "OAUTH")]
