"""All of the proxy's settings, read once from the environment (`CORTEX_PROXY_*`) and frozen.

Secrets are paths of files, never values: the environment of a process is visible to too many.
"""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, FilePath, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.cortex import INLINE_RUN_PATH, agent_run_path

ENV_PREFIX = "CORTEX_PROXY_"
SNOWFLAKE_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.snowflakecomputing\.(com|cn)")
IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_$]*$"

Identifier = Annotated[str, Field(pattern=IDENTIFIER, max_length=255)]


class SettingsError(Exception):
    """Settings the proxy cannot start with; the message names each variable and what it accepts."""


class Settings(BaseSettings):
    """What the proxy can be told. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="forbid")

    environment: Literal["development", "production"] = "production"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)

    snowflake_url: str = Field(description="https://<org>-<account>.snowflakecomputing.com, or the mock's address")
    account: str = Field(min_length=1, description="account identifier, e.g. MYORG-BENCH")
    user: str = Field(min_length=1)
    private_key_file: FilePath = Field(description="PEM, PKCS#8 RSA key whose public half the user has registered")
    role: Identifier | None = None
    warehouse: Identifier | None = None
    database: Identifier = "CORTEX_BENCH_DB"
    schema_name: Identifier = "SALES"
    agent: Identifier = "SALES_AGENT"
    agent_config_file: FilePath | None = Field(
        default=None, description="JSON body of an inline agent; when given, runs go to agent:run instead of the agent"
    )

    session_key_file: FilePath = Field(description="at least 32 random bytes")
    client_key_file: FilePath | None = Field(default=None, description="required outside development")
    token_lifetime_s: int = Field(default=300, ge=30, le=300)
    session_limit_s: int = Field(default=8 * 3600, ge=300)

    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    max_streams: int = Field(default=100, ge=1, le=500)
    heartbeat_s: float = Field(default=15.0, gt=0)
    connect_timeout_s: float = Field(default=3.05, gt=0)
    idle_timeout_s: float = Field(default=300.0, gt=0, description="longest silence of the upstream")
    deadline_s: float = Field(default=960.0, gt=0, description="whole stream; Snowflake ends runs after 900")
    slow_client_s: float = Field(default=30.0, gt=0, description="longest time a client may leave its stream unread")
    max_stream_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)

    page_dir: Path | None = Field(default=None, description="folder of the reference page; development only")

    @field_validator("snowflake_url")
    @classmethod
    def _pinned_host(cls, value: str) -> str:
        """Snowflake over https, or a stand-in on the loopback interface; nothing else gets our credential."""
        parts = urlsplit(value)
        if parts.path.strip("/") or parts.query or parts.username:
            raise ValueError("give scheme and host only")
        if parts.scheme == "https" and SNOWFLAKE_HOST.fullmatch(parts.hostname or ""):
            return value.rstrip("/")
        if parts.scheme in ("http", "https") and _is_loopback(parts.hostname or ""):
            return value.rstrip("/")
        raise ValueError("must be https://<account>.snowflakecomputing.com or an address on this machine")

    @model_validator(mode="after")
    def _production_is_closed(self) -> Settings:
        if self.environment == "production":
            if self.client_key_file is None:
                raise ValueError("client_key_file is required outside development")
            if self.page_dir is not None:
                raise ValueError("page_dir is for development only")
        if self.agent_config_file is not None:
            self.agent_config()
        return self

    @property
    def is_live(self) -> bool:
        """Whether the upstream is Snowflake itself rather than a stand-in."""
        return SNOWFLAKE_HOST.fullmatch(urlsplit(self.snowflake_url).hostname or "") is not None

    @property
    def run_path(self) -> str:
        """Where runs are posted."""
        if self.agent_config_file is not None:
            return INLINE_RUN_PATH
        return agent_run_path(self.database, self.schema_name, self.agent)

    def agent_config(self) -> dict[str, Any]:
        """The inline agent's configuration, empty for a stored agent.   Raises: ValueError naming the file."""
        if self.agent_config_file is None:
            return {}
        try:
            config = json.loads(self.agent_config_file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"agent_config_file {self.agent_config_file} is not JSON: {error}") from error
        if not isinstance(config, dict) or "messages" in config:
            raise ValueError(f"agent_config_file {self.agent_config_file} must be an object without 'messages'")
        return config


def load(**overrides: Any) -> Settings:
    """Settings from the environment, with overrides first.   Raises: SettingsError listing every fault."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_explain(str(e["loc"][0]) if e["loc"] else "", e) for e in error.errors())
        ) from error


def _explain(name: str, error: Any) -> str:
    if not name:
        return f"proxy settings: {error['msg']}"
    found = "not set" if error["type"] == "missing" else f"found {error['input']!r}"
    meaning = Settings.model_fields[name].description if name in Settings.model_fields else None
    return f"{ENV_PREFIX}{name.upper()}: {error['msg']} ({found})" + (f"; expected: {meaning}" if meaning else "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
