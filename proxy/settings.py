"""All of the proxy's settings, read once from the environment (`CORTEX_PROXY_*`) and frozen.

Secrets are paths of files, never values: the environment of a process is visible to too many.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import ssl
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    DirectoryPath,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from contracts.cortex import INLINE_RUN_PATH, agent_run_path, search_query_path
from proxy import prices
from proxy.policies import Policies, Seconds
from proxy.prices import Prices

ENV_PREFIX = "CORTEX_PROXY_"
NESTED = "__"
SNOWFLAKE_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.snowflakecomputing\.(com|cn)")
FILE_NAME = re.compile(r"[\w./~-]{0,200}\.\w{1,5}")
PATH = re.compile(r"(?:/|\.\.?/|~/)[\w./~-]{1,200}")
MAX_NAME_CHARS = 64
CREDENTIAL_FILES = ("private_key_file", "pat_file", "oauth_token_file")
ONE_CREDENTIAL = "give exactly one of " + ", ".join(f"{ENV_PREFIX}{name.upper()}" for name in CREDENTIAL_FILES)
IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_$]*$"
QUALIFIED = r"^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*){0,2}$"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")

Identifier = Annotated[str, Field(pattern=IDENTIFIER, max_length=255)]
Columns = Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50)]


class SettingsError(Exception):
    """Settings the proxy cannot start with; the message names each variable and what it accepts."""


class _Environment(EnvSettingsSource):
    """The environment; what should be JSON and is not is left as it stands, so that all faults are told together."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The document, or the text as it was found."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except (ValueError, RecursionError):
            return value


class Settings(BaseSettings):
    """What the proxy can be told. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=NESTED,
        nested_model_default_partial_update=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
    )

    environment: Literal["development", "production"] = "production"
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8080, ge=0, le=65535)

    snowflake_url: str = Field(description="https://<org>-<account>.snowflakecomputing.com, or the mock's address")
    ca_file: FilePath | None = Field(
        default=None, description="PEM of the only authorities to trust, for TLS that is inspected on its way"
    )
    account: str = Field(min_length=1, description="account identifier, e.g. MYORG-BENCH")
    user: str = Field(min_length=1)
    private_key_file: FilePath | None = Field(
        default=None, description="PEM, PKCS#8 RSA key whose public half the user has registered"
    )
    pat_file: FilePath | None = Field(default=None, description="a programmatic access token, instead of a key pair")
    oauth_token_file: FilePath | None = Field(
        default=None, description="an OAuth access token that something else keeps fresh, instead of a key pair"
    )
    role: Identifier | None = None
    warehouse: Identifier | None = None
    database: Identifier = "CORTEX_BENCH_DB"
    schema_name: Identifier = "SALES"
    agent: Identifier = "SALES_AGENT"
    agent_config_file: FilePath | None = Field(
        default=None, description="JSON body of an inline agent; when given, runs go to agent:run instead of the agent"
    )

    search_service: Identifier = "SALES_DOCS_SVC"
    search_columns: Columns = Field(
        default=("DOC_ID", "TITLE", "BODY", "CATEGORY", "REGION", "VALID_FROM"),
        description="columns of the search service that clients may read, as a JSON list",
    )
    search_attributes: Columns = Field(
        default=("CATEGORY", "REGION", "VALID_FROM"),
        description="columns of the search service that clients may filter by, as a JSON list",
    )
    semantic_view: Annotated[str, Field(pattern=QUALIFIED)] = "CORTEX_BENCH_DB.SALES.SALES_SV"

    session_key_file: FilePath = Field(description="at least 32 random bytes")
    next_session_key_file: Path | None = Field(
        default=None, description="the key to come, accepted already; the file may appear later"
    )
    client_key_file: FilePath | None = Field(default=None, description="required outside development")
    token_lifetime_s: int = Field(default=300, ge=30, le=300)
    session_limit_s: int = Field(default=8 * 3600, ge=300)

    policies: Policies = Policies()
    request_timeout_s: Seconds = Field(default=10.0, description="longest time a request may take to arrive")
    max_streams: int = Field(default=100, ge=1, le=500)
    heartbeat_s: Seconds = 15.0
    slow_client_s: Seconds = Field(default=30.0, description="longest time a client may leave its stream unread")
    max_stream_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)

    max_result_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, description="rows of one SQL answer")

    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices(f"{ENV_PREFIX}REDIS_URL", "redis_url"),  # the second is REDIS_URL, too
        description="redis:// or rediss://; shares limits, logouts and history between processes",
    )
    processes: int = Field(default=1, ge=1, le=64, description="worker processes; more than one needs REDIS_URL")
    history_file: Path = Field(
        default=Path(".cortex-harness/history.sqlite3"),
        description="SQLite file of the history when there is no Redis; ':memory:' forgets it at the end",
    )
    history_days: int = Field(default=30, ge=1, le=3650, description="turns older than this are deleted")
    history_turns: int = Field(default=500, ge=1, le=100_000, description="newest turns of a session that are kept")

    cors_origins: tuple[str, ...] = Field(
        default=(), description='exact origins of pages on other hosts, as a JSON list: ["https://app.example.com"]'
    )
    trusted_proxies: int = Field(default=0, ge=0, le=5, description="proxies in front that set X-Forwarded-For")
    drain_s: float = Field(
        default=25.0,
        ge=0,
        le=1000,
        description="time for running streams to end after the notice; they are told two seconds before",
    )
    drain_notice_s: float = Field(
        default=0.0, ge=0, le=300, description="how long readyz fails before new streams are refused"
    )
    metrics_port: int | None = Field(default=None, ge=0, le=65535, description="where /metrics listens, if anywhere")
    metrics_host: str = "127.0.0.1"
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="OTLP/HTTP base address that traces, metrics and logs are sent to; how often is said by"
        " OpenTelemetry's own OTEL_BSP_SCHEDULE_DELAY, OTEL_METRIC_EXPORT_INTERVAL and OTEL_BLRP_SCHEDULE_DELAY, in ms",
    )
    prices_file: FilePath | None = Field(
        default=None, description="YAML of what models cost; without it the cost of no answer is known"
    )
    log_content: bool = Field(default=False, description="log questions and answers; development only")

    page_dir: DirectoryPath | None = Field(default=None, description="folder of the reference page; development only")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours takes its place
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the caller gives, then the environment."""
        return init_settings, _Environment(settings_cls)

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

    @field_validator("ca_file")
    @classmethod
    def _holds_authorities(cls, path: Path | None) -> Path | None:
        """Found now, or each call of Snowflake would find it."""
        try:
            ssl.create_default_context(cafile=path)
        except ssl.SSLError as error:
            raise ValueError("holds no PEM certificate") from error
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from error
        return path

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in ("redis", "rediss"):
            raise ValueError("must begin with redis:// or rediss://")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin: scheme, host and port only, lower-case, no wildcard")
        return origins

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        self._check_credential()
        if self.processes > 1 and self.redis_url is None:
            raise ValueError(
                f"{ENV_PREFIX}PROCESSES is {self.processes}: more than one process needs REDIS_URL, "
                "or each would count its own limits and keep its own history"
            )
        if self.environment == "production":
            if self.client_key_file is None:
                raise ValueError(f"{ENV_PREFIX}CLIENT_KEY_FILE is required outside development")
            for name, is_set in (("PAGE_DIR", self.page_dir is not None), ("LOG_CONTENT", self.log_content)):
                if is_set:
                    raise ValueError(f"{ENV_PREFIX}{name} is for development only")
        elif self.is_live and not _is_loopback(self.host):
            # Development hands a session to anybody who asks.
            raise ValueError(f"{ENV_PREFIX}HOST must be on this machine when development runs against Snowflake itself")
        if self.agent_config_file is not None:
            self.agent_config()
        self.prices()
        return self

    def _check_credential(self) -> None:
        given = [name for name in CREDENTIAL_FILES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"{ONE_CREDENTIAL} (found {len(given)})")

    @property
    def key_files(self) -> dict[str, Path]:
        """The files with secrets that must be there, by the setting that names them."""
        files = {name: getattr(self, name) for name in (*CREDENTIAL_FILES, "session_key_file", "client_key_file")}
        return {name: path for name, path in files.items() if path is not None}

    @property
    def search_path(self) -> str:
        """Where the search service is asked."""
        return search_query_path(self.database, self.schema_name, self.search_service)

    def exposed_keys(self) -> list[Path]:
        """Key files that every user of this machine can read.

        Reported, not refused: secrets that Kubernetes mounts are like this unless told otherwise, and the proxy's
        group must be able to read them.
        """
        paths = [*self.key_files.values(), *filter(None, [self.next_session_key_file])]
        return [path for path in paths if path.exists() and path.stat().st_mode & stat.S_IROTH]

    @property
    def is_live(self) -> bool:
        """Whether the upstream is Snowflake itself rather than a stand-in."""
        return SNOWFLAKE_HOST.fullmatch(urlsplit(self.snowflake_url).hostname or "") is not None

    @property
    def agent_name(self) -> str | None:
        """The stored agent that answers; None when a file configures an inline one."""
        return None if self.agent_config_file is not None else self.agent

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

    def prices(self) -> Prices:
        """What models cost, as the file says now; empty without one.   Raises: ValueError naming the file."""
        if self.prices_file is None:
            return Prices()
        try:
            return prices.load(self.prices_file)
        except (OSError, ValueError) as error:
            raise ValueError(f"{ENV_PREFIX}PRICES_FILE: {error}") from error


def load(**overrides: Any) -> Settings:
    """Settings from the environment, with overrides first.   Raises: SettingsError listing every fault."""
    given = {name: value for name, value in overrides.items() if value is not None}
    faults = [f"{name}: there is no such setting" for name in sorted(_unknown(os.environ))]
    try:
        settings = Settings(**given)
    except ValidationError as error:
        faults += [_explain([str(part) for part in e["loc"]], e) for e in error.errors()]
        # With a fault in a single field, pydantic does not come to look at how they fit together.
        is_given = any(ENV_PREFIX + name.upper() in os.environ for name in CREDENTIAL_FILES)
        faults += (
            [] if is_given or any(ONE_CREDENTIAL in fault for fault in faults) else [f"{ONE_CREDENTIAL} (found 0)"]
        )
        raise SettingsError("\n".join(faults)) from error
    if faults:
        raise SettingsError("\n".join(faults))
    return settings


def _unknown(environment: Iterable[str]) -> list[str]:
    """Variables with our prefix that name no setting; the policies' own are checked by their model."""
    known = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields}
    table = f"{ENV_PREFIX}POLICIES{NESTED}"
    ours = [name for name in environment if name.upper().startswith(ENV_PREFIX)]
    return [name for name in ours if name.upper() not in known and not name.upper().startswith(table)]


def _explain(location: list[str], error: Any) -> str:
    if not location:
        return _message(error)
    name = location[0]
    variable = ENV_PREFIX + NESTED.join(location if name == "policies" else [name]).upper().removeprefix(ENV_PREFIX)
    meaning = Settings.model_fields[name].description if name in Settings.model_fields else None
    return f"{variable}: {_message(error)} ({_found(name, error)})" + (f"; expected: {meaning}" if meaning else "")


def _message(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such setting"
    if error["type"] in ("tuple_type", "model_type") and isinstance(error["input"], str):
        return "must be JSON"
    return str(error["msg"]).removeprefix("Value error, ")


def _found(name: str, error: Any) -> str:
    if error["type"] == "missing":
        return "not set"
    if name.lower().endswith("redis_url"):
        return "its value, which may hold a password, is not shown"
    if name.endswith(("key_file", "pat_file", "token_file")) and not _is_path(str(error["input"])):
        return "its value, which may be the key itself, is not shown"
    return f"found {error['input']!r}"


def _is_path(value: str) -> bool:
    """Whether this can only be a path, there or not, and no key: one in base64 may begin with a slash and hold more."""
    if FILE_NAME.fullmatch(value):
        return True
    if not PATH.fullmatch(value) or any(len(name) > MAX_NAME_CHARS for name in value.split("/")):
        return False
    folder = os.path.dirname(os.path.expanduser(value))  # noqa: PTH111, PTH120 - pathlib's raises without a home
    return folder != "/" and os.path.isdir(folder)  # noqa: PTH112 - pathlib's raises for what may not be looked at


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
