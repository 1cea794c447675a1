"""The stand-in for Snowflake Cortex: recorded answers, replayed frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mocks.embedded import MockCortex

__all__ = ["MockCortex"]


def __getattr__(name: str) -> Any:
    """`mocks.MockCortex`, imported when it is first asked for: the pytest plugin is loaded by every run of pytest."""
    if name == "MockCortex":
        from mocks.embedded import MockCortex  # noqa: PLC0415 - see above

        return MockCortex
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
