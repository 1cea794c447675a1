"""All of the proxy's settings, read once from the environment (`CORTEX_PROXY_*`) and frozen.

Secrets are paths of files, never values: the environment of a process is visible to too many.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import stat
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import DirectoryPath, Field, FilePath, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.cortex import INLINE_RUN_PATH, agent_run_path

ENV_PREFIX = "CORTEX_PROXY_"
SNOWFLAKE_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.snowflakecomputing\.(com|cn)")
FILE_NAME = re.compile(r"[\w./~-]{0,200}\.\w{1,5}")
IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_$]*$"

Identifier = Annotated[str, Field(pattern=IDENTIFIER, max_length=255)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class SettingsError(Exception):
    """Settings the proxy cannot start with; the message names each variable and what it accepts."""


class Settings(BaseSettings):
    """What the proxy can be told. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="forbid", allow_inf_nan=False)

    environment: Literal["development", "production"] = "production"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)

    snowflake_url: str = Field(description="https://<org>-<account>.snowflakecomputing.com, or the mock's address")
    ca_file: FilePath | None = Field(
        default=None, description="PEM of the only authorities to trust, for TLS that is inspected on its way"
    )
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
    request_timeout_s: Seconds = Field(default=10.0, description="longest time a request may take to arrive")
    max_streams: int = Field(default=100, ge=1, le=500)
    heartbeat_s: Seconds = 15.0
    connect_timeout_s: Seconds = 3.05
    idle_timeout_s: Seconds = Field(default=300.0, description="longest silence of the upstream")
    deadline_s: Seconds = Field(default=960.0, description="whole stream; Snowflake ends runs after 900")
    slow_client_s: Seconds = Field(default=30.0, description="longest time a client may leave its stream unread")
    max_stream_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)

    page_dir: DirectoryPath | None = Field(default=None, description="folder of the reference page; development only")

    @field_validator("snowflake_url")
    @classmethod
    def _pinned_host(cls, value: str) -> str:
        """Snowflake over https, or a stand-in on the loopback interface; nothing else gets our credential."""
        value = value.removesuffix("/")
        parts = urlsplit(value)
        if value != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
            raise ValueError("give scheme and host only")
        is_snowflake = parts.scheme == "https" and SNOWFLAKE_HOST.fullmatch(parts.hostname or "")
        port = parts.port  # raises for one that is no port
        if is_snowflake and port in (None, 443):
            return value
        if parts.scheme in ("http", "https") and _is_loopback(parts.hostname or ""):
            return value
        raise ValueError("must be https://<account>.snowflakecomputing.com or an address on this machine")

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if self.environment == "production":
            if self.client_key_file is None:
                raise ValueError(f"{ENV_PREFIX}CLIENT_KEY_FILE is required outside development")
            if self.page_dir is not None:
                raise ValueError(f"{ENV_PREFIX}PAGE_DIR is for development only")
        elif self.is_live and not _is_loopback(self.host):
            # Development hands a session to anybody who asks.
            raise ValueError(f"{ENV_PREFIX}HOST must be on this machine when development runs against Snowflake itself")
        if self.agent_config_file is not None:
            self.agent_config()
        return self

    @property
    def key_files(self) -> dict[str, Path]:
        """The files with secrets, by the setting that names them."""
        files = {"private_key_file": self.private_key_file, "session_key_file": self.session_key_file}
        return files | ({"client_key_file": self.client_key_file} if self.client_key_file else {})

    def exposed_keys(self) -> list[Path]:
        """Key files that every user of this machine can read.

        Reported, not refused: secrets that Kubernetes mounts are like this unless told otherwise, and the proxy's
        group must be able to read them.
        """
        return [path for path in self.key_files.values() if path.stat().st_mode & stat.S_IROTH]

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
            json.dumps(config, allow_nan=False)  # what we could not send
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{ENV_PREFIX}AGENT_CONFIG_FILE: {self.agent_config_file} is not JSON: {error}") from error
        if not isinstance(config, dict) or "messages" in config:
            raise ValueError(
                f"{ENV_PREFIX}AGENT_CONFIG_FILE: {self.agent_config_file} must be an object without 'messages'"
            )
        return dict(config)


def load(**overrides: Any) -> Settings:
    """Settings from the environment, with overrides first.   Raises: SettingsError listing every fault."""
    given = {name: value for name, value in overrides.items() if value is not None}
    known = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = [name for name in os.environ if name.upper().startswith(ENV_PREFIX) and name.upper() not in known]
    faults = [f"{name}: there is no such setting" for name in sorted(unknown)]
    try:
        settings = Settings(**given)
    except ValidationError as error:
        faults += [_explain(str(e["loc"][0]) if e["loc"] else "", e) for e in error.errors()]
        raise SettingsError("\n".join(faults)) from error
    if faults:
        raise SettingsError("\n".join(faults))
    return settings


def _explain(name: str, error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not name:
        return message
    found = f"found {error['input']!r}"
    if error["type"] == "missing":
        found = "not set"
    elif name.endswith("key_file") and not FILE_NAME.fullmatch(str(error["input"])):
        found = "its value, which is no file's name, is not shown"  # somebody may have put the key itself there
    meaning = Settings.model_fields[name].description if name in Settings.model_fields else None
    return f"{ENV_PREFIX}{name.upper()}: {message} ({found})" + (f"; expected: {meaning}" if meaning else "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
