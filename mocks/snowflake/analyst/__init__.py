"""Cortex Analyst: questions answered with SQL, from a semantic model and its verified queries.

No language model is asked. A verified question is answered with its SQL; a question of which every word is a name of
the semantic model or a filler is put together by rule; everything else gets suggestions. `x-mock-analyst` says which.
"""

from __future__ import annotations

from mocks.snowflake.analyst.messages import ROUTES

__all__ = ["ROUTES"]
