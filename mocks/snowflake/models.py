"""The models that the mock knows by name, as Snowflake's documentation lists them. None of them runs here.

Source: cortex-wire 7; Snowflake documentation, Cortex REST API and EMBED_TEXT, model availability.
"""

from __future__ import annotations

from enum import StrEnum


class Family(StrEnum):
    """Whose model it is, as far as answers differ by it."""

    CLAUDE = "claude"
    OPENAI = "openai"
    OTHER = "other"


COMPLETING = (
    "claude-sonnet-4-6",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
    "claude-4-sonnet",
    "claude-3-7-sonnet",
    "claude-3-5-sonnet",
    "openai-gpt-5",
    "openai-gpt-5-mini",
    "openai-gpt-4.1",
    "llama4-maverick",
    "llama3.1-405b",
    "llama3.1-70b",
    "llama3.1-8b",
    "snowflake-llama-3.3-70b",
    "mistral-large2",
    "deepseek-r1",
)
"""Models that complete."""

DIMENSIONS = {
    "snowflake-arctic-embed-m": 768,
    "snowflake-arctic-embed-m-v1.5": 768,
    "e5-base-v2": 768,
    "snowflake-arctic-embed-l-v2.0": 1024,
    "snowflake-arctic-embed-l-v2.0-8k": 1024,
    "nv-embed-qa-4": 1024,
    "multilingual-e5-large": 1024,
    "voyage-multilingual-2": 1024,
}
"""Models that embed, with the length of their vectors."""


def family(model: str) -> Family:
    """Whose model a name belongs to."""
    for each in (Family.CLAUDE, Family.OPENAI):
        if model.startswith(f"{each}-"):
            return each
    return Family.OTHER
