"""One answer with every trap of Unicode that a page has to survive."""

from __future__ import annotations

from mocks.cassette import Cassette, Match
from mocks.stories.figures import by_key
from mocks.stories.writer import ThreadIds, Turn, cassette, interaction

CITIES_SQL = """\
SELECT c.city, COUNT(*) AS orders, SUM(o.net_amount) AS net_sales
FROM CORTEX_BENCH_DB.SALES.ORDERS AS o
JOIN CORTEX_BENCH_DB.SALES.CUSTOMERS AS c ON c.customer_id = o.customer_id
WHERE o.order_year = 2025 AND c.city IN ('Zürich', '東京', 'Łódź', 'القاهرة', 'Đà Nẵng')
GROUP BY c.city
ORDER BY net_sales DESC"""

# Invisible characters are written as escapes, so that a reviewer sees them.
LINE_SEPARATOR = "\u2028"
NARROW_SPACE = "\u202f"
COMBINED_ZURICH = "Zu\u0308rich"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
TECHNOLOGIST = "\U0001f469\U0001f3fd\u200d\U0001f4bb"
FLAGS = {
    "Zürich": "\U0001f1e8\U0001f1ed",
    "東京": "\U0001f1ef\U0001f1f5",
    "Łódź": "\U0001f1f5\U0001f1f1",
    "القاهرة": "\U0001f1ea\U0001f1ec",
    "Đà Nẵng": "\U0001f1fb\U0001f1f3",
}


def unicode_answer() -> Cassette:
    """A German question; the answer speaks several scripts, and its emoji arrive in pieces."""
    turn = Turn("unicode_answer", ThreadIds(97, 761, 762))
    turn.plan()
    turn.thinking("Städte wie Zürich, 東京 und Łódź stehen bei den Kunden; ich frage die Bestellungen je Stadt ab. 🤔")
    turn.semantic_context("Umsatz 2025 in Zürich, 東京, Łódź, القاهرة und Đà Nẵng", ["ORDERS", "CUSTOMERS"])
    answer = turn.sql(CITIES_SQL)
    turn.conclude()
    turn.table(answer, "Städte 2025 — 都市別 — miasta")
    sales, orders = by_key(answer.result, "NET_SALES"), by_key(answer.result, "ORDERS")
    lines = "\n".join(
        f"- {FLAGS[city]} **{city}**: {_german(sales[city])} k€, {orders[city]} Bestellungen" for city in sales
    )
    first = next(iter(sales))
    turn.text(
        f"### Fünf Städte, fünf Schriften\n\n{lines}\n\n"
        f"{first} liegt vorn. „{COMBINED_ZURICH}“ mit zwei Zeichen für das ü ist dieselbe Stadt wie „Zürich“.\n\n"
        f"Auf Arabisch: مرحبا بكم في القاهرة (rechts nach links), auf Japanisch: 東京のお客様、ありがとうございます。"
        f"{LINE_SEPARATOR}Nach einem Zeilentrenner (U+2028) geht es in derselben SSE-Zeile weiter.\n\n"
        f"Viele Grüße vom ganzen Team {FAMILY} und von {TECHNOLOGIST}!",
        annotations=[],
    )
    turn.suggested("Show me 2025 in three charts")
    turn.finish()
    asked = Match(last_user_text="Wie läuft das Geschäft in Zürich, 東京 und Łódź? 🌍")
    return cassette(
        turn.name, "accents, right-to-left, emoji in pieces, U+2028", "cortex-wire 1.5, 1.6", interaction(asked, turn)
    )


def _german(value: object) -> str:
    """A figure with a decimal comma and a narrow space between thousands."""
    return f"{value:,.2f}".replace(",", NARROW_SPACE).replace(".", ",")
