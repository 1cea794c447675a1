"""What axe finds on a page: the part of accessibility that a machine can judge.

axe-core 4.12.1 comes with the pinned axe-playwright-python. It is brought in by the browser's own debugging, which no
content security policy stands in the way of; and it does nothing that the pages' policies forbid.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

OPTIONS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "preload": False,  # of style sheets, for a rule that is not on
    "rules": {
        "target-size": {"enabled": True},  # 24 pixels, as WCAG 2.2 asks at level AA
        # Whatever scrolls is a region, so that a keyboard reaches it, named after what it holds. Of a conversation's
        # tables and statements several may well have one name.
        "landmark-unique": {"enabled": False},
    },
    # The strip along the top is a pseudo element of the header; with it in mind axe judges no text's contrast at all.
    "checks": {"color-contrast": {"options": {"ignorePseudo": True}}},
}


def findings(page: Page) -> list[str]:
    """What is wrong, of whatever impact, and where."""
    response = Axe().run(page, options=OPTIONS).response
    return [
        f"{rule['impact']} {rule['id']}: {rule['help']}: {node['html'][:160]} ({_reason(node)})"
        for rule in response["violations"]
        for node in rule["nodes"]
    ]


def _reason(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for kind in ("any", "all", "none") for check in node[kind])
