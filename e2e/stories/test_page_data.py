"""Tables and charts on the reference page."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from playwright.sync_api import Locator, expect

from e2e.effort import busy
from e2e.page import Chat

TABLE_S = 2.0
"""How long the page's thread may compute on 2,000 rows, shown or sorted, what the test asks of it included.

Measured: 0.5 s and 0.65 s. Work that grows with the rows' square takes minutes.
"""


def column(table: Locator, name: str) -> list[str]:
    """The cells of a column, as shown."""
    names = table.get_by_role("columnheader").all_inner_texts()
    place = next(index for index, text in enumerate(names) if text.strip() == name) + 1
    return table.locator(f"tbody td:nth-child({place})").all_inner_texts()


def as_numbers(cells: list[str]) -> list[float]:
    """Cells as numbers."""
    return [float(cell.replace(",", "")) for cell in cells]


def test_a_chart_shows_its_data(chat: Chat) -> None:
    """The numbers behind a chart are one button away."""
    turn = chat.ask("Net sales by region")
    turn.get_by_role("button", name="Show data").click()
    data = turn.get_by_role("table", name="Data of Net sales 2025")
    expect(data.get_by_role("cell", name="1,250.5")).to_be_visible()
    turn.get_by_role("button", name="Hide data").click()
    expect(data).to_be_hidden()


def test_a_chart_follows_its_column(chat: Chat) -> None:
    """A chart is as wide as the column it stands in, also after the column changed."""
    turn = chat.ask("Net sales by region")
    chart = turn.get_by_role("img", name="Net sales 2025")
    expect(chart.locator("svg")).to_be_visible()
    chat.page.set_viewport_size({"width": 480, "height": 800})
    chat.page.wait_for_function(
        """() => {
          const chart = document.querySelector(".chart-canvas");
          return Math.abs(chart.querySelector("svg").getBoundingClientRect().width - chart.clientWidth) < 3;
        }"""
    )


def test_a_chart_loads_nothing(chat: Chat) -> None:
    """A chart whose specification names an address is not drawn, wherever the address stands."""
    problems = chat.page.evaluate(
        """async () => {
          const { readSpec } = await import("/client/render/chart.js");
          const url = "https://example.com/rows.json";
          return [
            { mark: "bar", data: { url } },
            { layer: [{ mark: "bar", data: { url } }] },
            { mark: "bar", data: { values: [] }, transform: [{ lookup: "a", from: { data: { url }, key: "a" } }] },
          ].map((spec) => readSpec(JSON.stringify(spec)).problem ?? null);
        }"""
    )
    assert all(problem and "address" in problem for problem in problems)


def test_a_hostile_chart_reaches_nobody(chat: Chat) -> None:
    """Image marks and embed options of a specification neither load nor change anything."""
    chat.page.evaluate(
        """async () => {
          const { chartView } = await import("/client/render/chart.js");
          const view = chartView(JSON.stringify({
            title: "Hostile",
            usermeta: { embedOptions: { actions: true, loader: { target: "_top" } } },
            data: { values: [{ a: 1, u: "https://example.com/pixel.png" }] },
            mark: { type: "image", width: 20, height: 20 },
            encoding: { x: { field: "a", type: "quantitative" }, url: { field: "u" }, href: { field: "u" } },
          }));
          document.getElementById("turns").append(view.element);
          view.mounted();
        }"""
    )
    expect(chat.page.get_by_role("img", name="Hostile").locator("svg")).to_be_attached()
    expect(chat.page.get_by_text("Save as SVG")).to_have_count(0)


def test_two_thousand_rows_sort(chat: Chat) -> None:
    """A table of 2,000 rows shows the first, sorts by any column and all of it, and never freezes the page."""
    turn = chat.ask("List all orders of 2024")
    table = turn.get_by_role("table", name="Orders of 2024")
    expect(table.locator("tbody tr")).to_have_count(50)
    busy_s = busy(chat.page)
    turn.get_by_role("button", name="Show all 2,000 rows").click()
    expect(table.locator("tbody tr")).to_have_count(2000)
    shown_s = busy_s()
    table.get_by_role("button", name="NET_AMOUNT").click()
    expect(table.get_by_role("columnheader", name="NET_AMOUNT")).to_have_attribute("aria-sort", "ascending")
    sorted_s = busy_s() - shown_s
    expect(table.locator("tbody tr")).to_have_count(2000)
    amounts = as_numbers(column(table, "NET_AMOUNT"))
    assert amounts == sorted(amounts)
    table.get_by_role("button", name="NET_AMOUNT").click()
    expect(table.get_by_role("columnheader", name="NET_AMOUNT")).to_have_attribute("aria-sort", "descending")
    expect(table.locator("tbody tr")).to_have_count(2000)
    amounts = as_numbers(column(table, "NET_AMOUNT"))
    assert amounts == sorted(amounts, reverse=True)
    assert shown_s < TABLE_S > sorted_s, f"showing all took {shown_s:.2f} s, sorting {sorted_s:.2f} s of computing"


def test_dates_and_numbers_read_well_and_stay_exact(chat: Chat) -> None:
    """Cells are written for people, and exported as they are."""
    shown = chat.page.evaluate(
        """async () => {
          const { cellText, cellExport } = await import("/client/result-set.js");
          const cases = [
            ["date", "20454"], ["date", "-1"], ["fixed", "12345678901234567890.1200"], ["real", "1.5"], ["real", "NaN"],
            ["boolean", "true"], ["text", "1,5"], ["time", "82919.000000000"],
            ["timestamp_ntz", "1767225600.000000000"], ["timestamp_tz", "1767225600.000000000 1500"], ["fixed", null],
          ];
          return cases.map(([type, value]) => {
            const column = { name: "X", type };
            return [cellText(column, value), cellExport(column, value)];
          });
        }"""
    )
    narrow = [[text.replace("\u202f", " "), exported] for text, exported in shown]
    assert narrow == [
        ["Jan 1, 2026", "2026-01-01"],
        ["Dec 31, 1969", "1969-12-31"],
        ["12,345,678,901,234,567,890.1200", "12345678901234567890.1200"],
        ["1.5", "1.5"],
        ["NaN", "NaN"],
        ["true", "true"],
        ["1,5", "1,5"],
        ["23:01:59", "23:01:59"],
        ["Jan 1, 2026, 12:00:00 AM", "2026-01-01T00:00:00"],
        ["Jan 1, 2026, 1:00:00 AM +01:00", "2026-01-01T01:00:00+01:00"],
        ["null", ""],
    ]


def test_years_and_ids_have_no_thousands_separator(chat: Chat) -> None:
    """A column of years or ids is not written as a quantity."""
    shown = chat.page.evaluate(
        """async () => {
          const { cellText } = await import("/client/result-set.js");
          return ["ORDER_YEAR", "ORDER_ID", "ORDERS"].map((name) => cellText({ name, type: "fixed" }, "2025"));
        }"""
    )
    assert shown == ["2025", "2025", "2,025"]


def test_numbers_beyond_floats_sort_exactly(chat: Chat) -> None:
    """Two numbers that a float cannot tell apart keep their order, and missing values come last."""
    order = chat.page.evaluate(
        """async () => {
          const { compareCells } = await import("/client/result-set.js");
          const cells = ["9007199254740993", "-1.5", "9007199254740992", "9007199254740992.5", "-10"];
          return cells.toSorted((a, b) => compareCells({ name: "X", type: "fixed" }, a, b));
        }"""
    )
    assert order == ["-10", "-1.5", "9007199254740992", "9007199254740992.5", "9007199254740993"]


def test_a_table_downloads_as_csv(chat: Chat) -> None:
    """The download holds every row with exact values, also those that are not shown."""
    turn = chat.ask("List all orders of 2024")
    figure = turn.get_by_role("figure").filter(has_text="Orders of 2024")
    with chat.page.expect_download() as download:
        figure.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "orders-of-2024.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2000
    assert all(re.fullmatch(r"2024-\d\d-\d\d", row["ORDER_DATE"]) for row in rows)
    assert all(re.fullmatch(r"-?\d+\.\d\d", row["NET_AMOUNT"]) for row in rows if row["NET_AMOUNT"])
