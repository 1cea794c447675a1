"""The page about a run of these stories, as somebody reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from e2e import report
from e2e.cases import Case

CONTRASTS = """
(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = (text) => {
    const [r, g, b] = rgb(text).map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [...document.querySelectorAll("h1, h3, p, a, dt, dd, summary, pre, li, .word")].map((node) => {
    const [one, other] = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
    return { words: node.textContent.slice(0, 40), ratio: (one + 0.05) / (other + 0.05) };
  });
  return JSON.stringify(found);
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_reads_well_on_a_phone(browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    """By day and by night nothing is wider than the screen, all words have contrast, and nothing is loaded."""
    path = tmp_path / "index.html"
    cases = [_case("passed", "call"), _case("failed", "call"), _case("failed", "setup"), _case("skipped", "setup")]
    path.write_text(report.written(cases, {"played on": "local"}, folder=tmp_path), encoding="utf-8")
    with browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())

        expect(page.get_by_role("heading", name="2 of 4 promises broken")).to_be_visible()
        page.get_by_text("The failure").first.click()

        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert asked == [path.as_uri()]
        assert [each for each in json.loads(page.evaluate(CONTRASTS)) if each["ratio"] < 4.5] == []


def _case(outcome: Literal["passed", "failed", "skipped"], when: Literal["setup", "call"]) -> Case:
    nodeid, told = f"test_it.py::test_{outcome}_{when}", [("promise", "x" * 200), ("trace_id", "0af7651916cd43dd" * 2)]
    location, sections = ("test_it.py", 1, nodeid), [("Captured stdout call", "y" * 500)]
    found = pytest.TestReport(nodeid, location, {}, outcome, "z" * 500, when, sections, 1.0, 10.0, 11.0, told)
    return Case(nodeid, [found])
