"""What Snowflake's Python connector needs: login, queries, logout."""

from __future__ import annotations

from mocks.route import Route

ROUTES: tuple[Route, ...] = ()
