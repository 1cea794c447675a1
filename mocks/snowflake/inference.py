"""Inference: recorded answers in the forms of Snowflake, OpenAI and Anthropic."""

from __future__ import annotations

from mocks.route import Route

ROUTES: tuple[Route, ...] = ()
