"""Settings: what is accepted, and that a refusal names the variable and what would be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from proxy.policies import Policies
from proxy.settings import SettingsError, load
from proxy.tests.conftest import Keys, MakeSettings

LIVE = "https://myorg-bench.snowflakecomputing.com"


@pytest.mark.parametrize(
    ("url", "kept", "live"),
    [
        pytest.param(LIVE, LIVE, True, id="account"),
        pytest.param(LIVE + "/", LIVE, True, id="closing slash"),
        pytest.param(LIVE + ":443", LIVE + ":443", True, id="https port"),
        pytest.param("https://x.privatelink.snowflakecomputing.com", None, True, id="private link"),
        pytest.param("https://x.cn-north-1.snowflakecomputing.cn", None, True, id="china"),
        pytest.param("http://127.0.0.1:4010", None, False, id="loopback"),
        pytest.param("http://localhost:4010", None, False, id="localhost"),
        pytest.param("http://[::1]:4010", None, False, id="loopback v6"),
        pytest.param("https://127.0.0.1:4010", None, False, id="loopback tls"),
    ],
)
def test_upstreams_that_get_our_credential(make_settings: MakeSettings, url: str, kept: str | None, live: bool) -> None:
    """Snowflake's hosts over https and this machine are accepted, and only the former count as live."""
    settings = make_settings(snowflake_url=url)
    assert (settings.snowflake_url, settings.is_live) == (kept or url, live)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://evil.com/.snowflakecomputing.com", id="host in the path"),
        pytest.param("https://evil.com?.snowflakecomputing.com", id="host in the query"),
        pytest.param("https://evil.com#.snowflakecomputing.com", id="host in the fragment"),
        pytest.param("https://x.snowflakecomputing.com@evil.com", id="host as user"),
        pytest.param("https://evil.com\\@x.snowflakecomputing.com", id="backslash and user"),
        pytest.param("https://evil.com\\.snowflakecomputing.com", id="backslash"),
        pytest.param("https://user@x.snowflakecomputing.com", id="user"),
        pytest.param("https://:word@x.snowflakecomputing.com", id="password alone"),
        pytest.param("https://snowflakecomputing.com.evil.com", id="as a subdomain of another"),
        pytest.param("https://evilsnowflakecomputing.com", id="as the end of another"),
        pytest.param("https://snowflakecomputing.com", id="no account"),
        pytest.param("https://x.snowflakecomputing.com.", id="closing dot"),
        pytest.param("https://x.snowflakecomputing.com?", id="empty query"),
        pytest.param("https://x.snowflakecomputing.com#", id="empty fragment"),
        pytest.param("https://x.snowflakecomputing.com/api", id="path"),
        pytest.param("https://x.snowflakecomputing.com:8443", id="other port"),
        pytest.param("https://x.snowflakecomputing.com:99999", id="no port"),
        pytest.param("https://x.snow\tflakecomputing.com", id="tab"),
        pytest.param("https://x.snowflakecomputing.com\n", id="newline"),
        pytest.param("https://х.snowflakecomputing.com", id="cyrillic letter"),
        pytest.param("http://x.snowflakecomputing.com", id="no tls"),
        pytest.param("http://127.0.0.1.evil.com", id="loopback as a subdomain"),
        pytest.param("http://localhost@evil.com", id="localhost as user"),
        pytest.param("http://192.168.0.1", id="private address"),
        pytest.param("http://0.0.0.0", id="every address"),
        pytest.param("http://2130706433", id="loopback as a number"),
        pytest.param("http://[::1", id="half an address"),
        pytest.param("ftp://127.0.0.1", id="other scheme"),
        pytest.param("127.0.0.1:4010", id="no scheme"),
        pytest.param("", id="empty"),
    ],
)
def test_upstreams_that_do_not(make_settings: MakeSettings, url: str) -> None:
    """Every other URL is refused, however much it looks like Snowflake's."""
    with pytest.raises(ValidationError, match="snowflake_url"):
        make_settings(snowflake_url=url)


def test_a_refusal_lists_every_variable_and_what_it_accepts(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing, wrong and unknown variables are told at once, by their names in the environment."""
    make_settings()  # clears the environment
    monkeypatch.setenv("CORTEX_PROXY_PORT", "eighty")
    monkeypatch.setenv("CORTEX_PROXY_SNOWFLAKE_URL", "https://evil.com")
    monkeypatch.setenv("CORTEX_PROXY_ENVIROMENT", "development")
    with pytest.raises(SettingsError) as refused:
        load(account="MYORG-BENCH")
    told = str(refused.value)
    assert "CORTEX_PROXY_USER: Field required (not set)" in told
    assert "CORTEX_PROXY_PORT: " in told
    assert "found 'eighty'" in told
    assert "CORTEX_PROXY_SNOWFLAKE_URL: must be https://<account>.snowflakecomputing.com" in told
    assert "CORTEX_PROXY_SESSION_KEY_FILE: Field required (not set); expected: at least 32 random bytes" in told
    assert "CORTEX_PROXY_ENVIROMENT: there is no such setting" in told


def test_a_misspelt_variable_alone_is_refused(
    make_settings: MakeSettings, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An otherwise complete environment does not start with a name nobody reads."""
    given = make_settings().model_dump(exclude_none=True, exclude={"page_dir"})
    assert load(**given).user == "CORTEX_PROXY_USER"
    monkeypatch.setenv("CORTEX_PROXY_HEARTBEATS", "1")
    with pytest.raises(SettingsError, match="CORTEX_PROXY_HEARTBEATS"):
        load(**given)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("canary" * 8, id="hex"),
        pytest.param("-----BEGIN canary-----\ncanary.p8", id="pem"),
        pytest.param("eyJjYW5hcnki.canary.canary", id="token"),
        pytest.param("Q/canary+canary==", id="base64"),
        pytest.param("/" + "canary" * 7, id="base64 like a file of the root"),
        pytest.param("/canary/canary", id="base64 like a path to nowhere"),
        pytest.param("./" + "canary" * 11, id="long name"),
    ],
)
def test_a_key_in_the_place_of_its_path_is_not_repeated(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """Whoever puts the key itself into the variable does not find it in the log; a file's name is told."""
    make_settings()
    monkeypatch.setenv("CORTEX_PROXY_SESSION_KEY_FILE", secret)
    monkeypatch.setenv("CORTEX_PROXY_PRIVATE_KEY_FILE", "/nowhere/key.p8")
    with pytest.raises(SettingsError) as refused:
        load()
    assert "CORTEX_PROXY_SESSION_KEY_FILE" in str(refused.value)
    assert "canary" not in str(refused.value)
    assert "/nowhere/key.p8" in str(refused.value)


def test_the_path_of_a_missing_key_is_told_without_an_extension(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Secrets that are mounted have plain names; in a folder that is there, such a name can be no key."""
    make_settings()
    missing = tmp_path / "session_key"
    monkeypatch.setenv("CORTEX_PROXY_SESSION_KEY_FILE", str(missing))
    with pytest.raises(SettingsError, match="CORTEX_PROXY_SESSION_KEY_FILE: Path does not point to a file") as refused:
        load()
    assert f"found {str(missing)!r}" in str(refused.value)


@pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA"])
def test_authorities_must_be_certificates(make_settings: MakeSettings, tmp_path: Path, content: str) -> None:
    """A file that no connection could use is refused at the start."""
    path = tmp_path / "ca.pem"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValidationError, match="holds no PEM certificate"):
        make_settings(ca_file=path)


def test_authorities_that_are_certificates(make_settings: MakeSettings, keys: Keys) -> None:
    """A PEM certificate is taken."""
    assert make_settings(ca_file=keys.certificate).ca_file == keys.certificate


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CORTEX_PROXY_CORS_ORIGINS", "https://x.example"),
        ("CORTEX_PROXY_SEARCH_COLUMNS", "A,B"),
        ("CORTEX_PROXY_POLICIES", "abc"),
        ("CORTEX_PROXY_POLICIES__CHAT", "abc"),
        ("CORTEX_PROXY_CORS_ORIGINS", "[" * 10_000),
    ],
    ids=["origin", "list", "table", "row", "deep"],
)
def test_what_must_be_json_is_told_with_the_rest(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The variable is named, and hides neither other faults nor variables that nobody reads."""
    make_settings()
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("CORTEX_PROXY_PORT", "eighty")
    monkeypatch.setenv("CORTEX_PROXY_ENVIROMENT", "development")
    with pytest.raises(SettingsError) as refused:
        load()
    told = str(refused.value)
    assert f"{variable}: must be JSON (found '{value[:5]}" in told
    assert "CORTEX_PROXY_PORT: " in told
    assert "CORTEX_PROXY_ENVIROMENT: there is no such setting" in told


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        pytest.param({"environment": "production"}, "CORTEX_PROXY_CLIENT_KEY_FILE", id="no client key"),
        pytest.param({"environment": "staging"}, "environment", id="unknown environment"),
        pytest.param({"snowflake_url": LIVE, "host": "0.0.0.0"}, "CORTEX_PROXY_HOST", id="open to everyone, live"),
        pytest.param({"role": "A B"}, "role", id="role is no identifier"),
        pytest.param({"role": "A\r\nX: 1"}, "role", id="header in the role"),
        pytest.param({"agent": "A/../B"}, "agent", id="path in the agent"),
        pytest.param({"account": ""}, "account", id="no account"),
        pytest.param({"host": ""}, "host", id="no host"),
        pytest.param({"heartbeat_s": 0}, "heartbeat_s", id="no heartbeat"),
        pytest.param({"slow_client_s": float("inf")}, "slow_client_s", id="no deadline"),
        pytest.param({"slow_client_s": float("nan")}, "slow_client_s", id="nan"),
        pytest.param({"heartbeat_s": 1e12}, "heartbeat_s", id="ages"),
        pytest.param({"token_lifetime_s": 301}, "token_lifetime_s", id="long token"),
        pytest.param({"max_streams": 501}, "max_streams", id="too many streams"),
        pytest.param({"page_dir": "/nowhere"}, "page_dir", id="page folder missing"),
        pytest.param({"ca_file": "/nowhere"}, "ca_file", id="authorities missing"),
        pytest.param({"private_key_file": "/nowhere"}, "private_key_file", id="key missing"),
        pytest.param({"no_such": 1}, "no_such", id="unknown"),
        pytest.param({"processes": 2}, "more than one process needs REDIS_URL", id="processes that do not share"),
        pytest.param({"redis_url": "http://h"}, "redis_url", id="redis over http"),
        pytest.param({"cors_origins": ["*"]}, "cors_origins", id="any origin"),
        pytest.param({"cors_origins": ["https://*.example.com"]}, "cors_origins", id="pattern of origins"),
        pytest.param({"cors_origins": ["null"]}, "cors_origins", id="origin null"),
        pytest.param({"cors_origins": ["https://example.com/"]}, "cors_origins", id="origin with a path"),
        pytest.param({"cors_origins": ["https://Example.com"]}, "cors_origins", id="origin in upper case"),
        pytest.param({"search_columns": []}, "search_columns", id="no columns"),
        pytest.param({"semantic_view": "A.B.C.D"}, "semantic_view", id="view of four parts"),
        pytest.param({"semantic_view": "A; DROP"}, "semantic_view", id="view is no name"),
        pytest.param({"policies": {"chat": {"rate": 0}}}, "policies.chat.rate", id="no requests at all"),
        pytest.param({"policies": {"chat": {"rat": 1}}}, "policies.chat.rat", id="unknown cell"),
        pytest.param({"policies": {"char": {"rate": 1}}}, "policies.char", id="unknown row"),
        pytest.param({"policies": {"chat": {"retry": "always"}}}, "policies.chat.retry", id="unknown class"),
        pytest.param({"policies": {"chat": {"deadline_s": float("inf")}}}, "deadline_s", id="no deadline"),
        pytest.param(
            {"private_key_file": None}, "give exactly one of CORTEX_PROXY_PRIVATE_KEY_FILE", id="no credential"
        ),
    ],
)
def test_what_does_not_start(make_settings: MakeSettings, changed: dict[str, Any], names: str) -> None:
    """Values that would fail or harm later fail now, and the message names the setting."""
    with pytest.raises(ValidationError, match=names):
        make_settings(**changed)


def test_development_may_listen_everywhere_in_front_of_a_stand_in(make_settings: MakeSettings) -> None:
    """A container's page is reachable; there is no credential behind it that could be abused."""
    assert make_settings(host="0.0.0.0").host == "0.0.0.0"


@pytest.mark.parametrize(
    ("changed", "variable"),
    [({"page_dir": "."}, "CORTEX_PROXY_PAGE_DIR"), ({"log_content": True}, "CORTEX_PROXY_LOG_CONTENT")],
    ids=["page", "content"],
)
def test_what_is_for_development_only(
    make_settings: MakeSettings, keys: Keys, changed: dict[str, Any], variable: str
) -> None:
    """The reference page and logged content are refused in production, by the names of their variables."""
    make_settings(**changed)
    with pytest.raises(ValidationError, match=variable):
        make_settings(environment="production", client_key_file=keys.client_key, **changed)


def test_one_cell_of_the_policies(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable changes one cell; its row and the others stay as they are, and a wrong one is told by its name."""
    given = make_settings().model_dump(exclude_none=True, exclude={"policies"})
    monkeypatch.setenv("CORTEX_PROXY_POLICIES__CHAT__RATE", "7")
    expected = Policies().chat.model_copy(update={"rate": 7})
    assert load(**given).policies == Policies().model_copy(update={"chat": expected})
    monkeypatch.setenv("CORTEX_PROXY_POLICIES__CHAT__RATE", "seven")
    monkeypatch.setenv("CORTEX_PROXY_POLICIES__CHAT__RAT", "7")
    with pytest.raises(SettingsError) as refused:
        load(**given)
    assert "CORTEX_PROXY_POLICIES__CHAT__RATE: " in str(refused.value)
    assert "CORTEX_PROXY_POLICIES__CHAT__RAT: there is no such setting (found '7')" in str(refused.value)


@pytest.mark.parametrize("variable", ["REDIS_URL", "CORTEX_PROXY_REDIS_URL"])
def test_redis_by_either_name(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """The customary variable counts as well as our own; the password in it is never shown."""
    given = make_settings().model_dump(exclude_none=True)
    monkeypatch.setenv(variable, "redis://:canary@127.0.0.1:6379/0")
    settings = load(**given)
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value().endswith("6379/0")
    assert "canary" not in repr(settings)
    monkeypatch.setenv(variable, "http://:canary@127.0.0.1")
    with pytest.raises(SettingsError, match="CORTEX_PROXY_REDIS_URL: must begin with redis://") as refused:
        load(**given)
    assert "canary" not in str(refused.value)


def test_a_missing_credential_is_told_with_the_rest(make_settings: MakeSettings) -> None:
    """Once, and with all three ways to give one."""
    make_settings()
    with pytest.raises(SettingsError) as refused:
        load()
    assert str(refused.value).count("give exactly one of CORTEX_PROXY_PRIVATE_KEY_FILE, CORTEX_PROXY_PAT_FILE") == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param('{"messages": []}', id="brings messages"),
        pytest.param('{"budget": NaN}', id="nan"),
        pytest.param("[" * 10_000, id="deep"),
    ],
)
def test_an_agent_configuration_that_cannot_be_sent(make_settings: MakeSettings, tmp_path: Path, content: str) -> None:
    """The file is read at the start, and a fault names the variable."""
    path = tmp_path / "agent.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValidationError, match="CORTEX_PROXY_AGENT_CONFIG_FILE"):
        make_settings(agent_config_file=path)


def test_an_inline_agent_changes_the_path(make_settings: MakeSettings, tmp_path: Path) -> None:
    """With a configuration of its own a run goes to the inline endpoint, else to the stored agent."""
    path = tmp_path / "agent.json"
    path.write_text(json.dumps({"models": {"orchestration": "m"}}), encoding="utf-8")
    stored, inline = make_settings(), make_settings(agent_config_file=path)
    assert stored.run_path == "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/agents/SALES_AGENT:run"
    assert (inline.run_path, inline.agent_config()) == ("/api/v2/cortex/agent:run", {"models": {"orchestration": "m"}})


@pytest.mark.parametrize(("mode", "is_exposed"), [(0o400, False), (0o440, False), (0o644, True), (0o604, True)])
def test_keys_that_everybody_can_read_are_reported(
    make_settings: MakeSettings, tmp_path: Path, mode: int, is_exposed: bool
) -> None:
    """A key file that others may read is listed; its group may."""
    path = tmp_path / "session.key"
    path.write_bytes(b"k" * 40)
    path.chmod(mode)
    assert make_settings(session_key_file=path).exposed_keys() == ([path] if is_exposed else [])


def test_settings_cannot_change(make_settings: MakeSettings) -> None:
    """One object, built once."""
    with pytest.raises(ValidationError, match="frozen"):
        make_settings().port = 1  # type: ignore[misc]
