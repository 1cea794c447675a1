"""Breaking changes between two OpenAPI 3.1 documents, each a sentence that says who breaks.

`compare` is pure; `load` reads files and git revisions; `run` is the command. What is compared is what a client can
meet on the wire, with references followed and `allOf` worked in; descriptions and examples are not looked at.

model.py   what there is to find      documents.py   read and refuse       shapes.py    a schema as its alternatives
rules.py   every rule in one table    operations.py  documents compared    schemas.py   schemas compared
words.py   how things are called      report.py      the command
"""

from __future__ import annotations

from contracts.compat.documents import load
from contracts.compat.model import Anchor, Change, Document, DocumentError, Place, Rule, Severity, Side
from contracts.compat.operations import compare
from contracts.compat.report import overview, run
from contracts.compat.rules import RULES

__all__ = [
    "RULES",
    "Anchor",
    "Change",
    "Document",
    "DocumentError",
    "Place",
    "Rule",
    "Severity",
    "Side",
    "compare",
    "load",
    "overview",
    "run",
]
