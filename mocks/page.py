"""The console page at the mock's root."""

from __future__ import annotations

from mocks.route import Route

ROUTES: tuple[Route, ...] = ()
