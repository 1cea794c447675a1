"""Agent objects and feedback."""

from __future__ import annotations

from mocks.route import Route

ROUTES: tuple[Route, ...] = ()
