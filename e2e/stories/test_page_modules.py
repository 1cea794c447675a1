"""The reference page's pure modules, run where they run: in the browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from e2e.page import Chat
from mocks import cassette

CASSETTES = Path(cassette.__file__).parent / "cassettes" / "agents"

PARSE = """
  const { SseParser } = await import("/client/shared/index.js");
  const parse = (chunks) => {
    const parser = new SseParser();
    return [...chunks.flatMap((chunk) => parser.feed(chunk)), ...parser.end()];
  };
"""

STREAM = (
    "\ufeffevent: a\r\ndata: {\"text\":\"Zürich 東京 🌍\"}\r\n\r\n"
    ": heartbeat\n\n"
    "event: b\rdata: one\rdata:two\rdata\r\r"
    "data: no name\n\n"
    "id: 7\nretry: 10\nevent: empty\n\n"
    "event: c\nunknown: field\ndata:  two spaces\n\n"
    "event: cut\ndata: never ended\n"
)  # fmt: skip

EVENTS = [
    {"event": "a", "data": '{"text":"Zürich 東京 🌍"}'},
    {"event": "b", "data": "one\ntwo\n"},
    {"event": "message", "data": "no name"},
    {"event": "c", "data": " two spaces"},
]


def test_a_stream_cut_at_any_byte_gives_the_same_events(chat: Chat) -> None:
    """Events do not depend on where the transport cuts, be it within a character or a line end."""
    results = chat.page.evaluate(
        """async (text) => {"""
        + PARSE
        + """
          const bytes = new TextEncoder().encode(text);
          const cuts = [...bytes.keys()].map((at) => parse([bytes.slice(0, at), bytes.slice(at)]));
          const single = parse([...bytes].map((byte) => Uint8Array.of(byte)));
          return [...new Set([parse([bytes]), single, ...cuts].map((events) => JSON.stringify(events)))];
        }""",
        STREAM,
    )
    assert [json.loads(each) for each in results] == [EVENTS]


def test_markdown_is_sanitised(chat: Chat) -> None:
    """Hostile Markdown becomes harmless text: nothing runs, loads, or leads to a script."""
    page = chat.page
    page.evaluate(
        """async (source) => {
          const { MarkdownView, markdownFragment } = await import("/client/render/markdown.js");
          const whole = document.createElement("section");
          whole.append(markdownFragment(source));
          const streamed = document.createElement("section");
          const view = new MarkdownView(streamed);
          for (let end = 0; end <= source.length; end += 7) view.update(source.slice(0, end));
          view.update(source, { final: true });
          document.getElementById("turns").append(whole, streamed);
        }""",
        "\n\n".join(
            [
                "<img src=x onerror=\"window.hacked = 'img'\">",
                "<script>window.hacked = 'script'</script>",
                "[click](javascript:window.hacked='link') [data](data:text/html,<script>alert(1)</script>)",
                "[tab](java\tscript:alert(1)) [entity](&#106;avascript:alert(1)) <javascript:alert(1)>",
                "![pixel](https://example.com/pixel.png?q=secret)",
                '<p style="color:red" onclick="window.hacked = 1">styled</p>',
                '<iframe src="https://example.com"></iframe>',
                '<svg onload="window.hacked = 2"><style>*{color:red}</style>',
                '<a href="https://example.com" target="_self" onmouseover="window.hacked = 3">raw</a>',
                "[fine](https://example.com/page) a<br>b H<sub>2</sub>O",
            ]
        ),
    )
    turns = page.locator("#turns")
    expect(turns.get_by_text("styled").first).to_be_visible()
    expect(turns.locator("img, script, iframe, svg, style, [style], [onclick], [onerror], [onload]")).to_have_count(0)
    addresses = turns.locator("a").evaluate_all(
        "(links) => links.map((link) => [link.protocol, link.rel, link.target])"
    )
    assert addresses == [["https:", "noopener noreferrer", "_blank"]] * 2
    expect(turns.locator("sub")).to_have_count(2)
    expect(turns.get_by_text("[image: pixel]").first).to_be_visible()
    assert page.evaluate("window.hacked") is None


def test_streamed_markdown_ends_as_whole_markdown(chat: Chat) -> None:
    """However it was cut, a streamed answer looks at its end as if it had come at once."""
    same = chat.page.evaluate(
        """async (source) => {
          const { MarkdownView } = await import("/client/render/markdown.js");
          const streamed = (step) => {
            const root = document.createElement("div");
            const view = new MarkdownView(root);
            for (let end = 0; end <= source.length; end += step) view.update(source.slice(0, end));
            view.update(source, { final: true });
            return root.innerHTML;
          };
          return [1, 3, 17, 400].map((step) => streamed(step) === streamed(source.length));
        }""",
        answer_text("long_answer") + "\n\nSee [the note][n].\n\n[n]: https://example.com/note\n",
    )
    assert same == [True, True, True, True]


def test_finished_blocks_are_not_drawn_again(chat: Chat) -> None:
    """While text grows only its last blocks change; what is above keeps its very nodes."""
    kept = chat.page.evaluate(
        """async () => {
          const { MarkdownView } = await import("/client/render/markdown.js");
          const root = document.createElement("div");
          const view = new MarkdownView(root);
          view.update("# One\\n\\ntwo\\n\\nthree\\n\\nfour");
          const before = [...root.children];
          view.update("# One\\n\\ntwo\\n\\nthree\\n\\nfour and more");
          return [...root.children].map((node, index) => node === before[index]);
        }"""
    )
    assert kept[:-1] == [True] * (len(kept) - 1)
    assert kept[-1] is False


def test_the_reducer_leaves_its_input_alone(chat: Chat) -> None:
    """Applying an event makes a new turn and shares every block that the event did not touch."""
    result = chat.page.evaluate(
        """async () => {
          const { apply, newTurn } = await import("/client/turn.js");
          const freeze = (value) => {
            if (value && typeof value === "object") Object.values(Object.freeze(value)).forEach(freeze);
            return value;
          };
          const delta = (content_index, text) => ({ content_index, text });
          let turn = freeze(newTurn({ key: "t", question: "q", at: 0 }));
          turn = freeze(apply(turn, "response.thinking.delta", delta(0, "hm"), 1));
          turn = freeze(apply(turn, "response.text.delta", delta(1, "a"), 2));
          const next = freeze(apply(turn, "response.text.delta", delta(1, "b"), 3));
          const same = apply(turn, "response.hologram", {}, 4) === turn;
          return [turn.blocks[1].text, next.blocks[1].text, turn.blocks[0] === next.blocks[0], same];
        }"""
    )
    assert result == ["a", "ab", True, True]


def test_the_form_before_agents_is_understood(chat: Chat) -> None:
    """A recorded `message.delta` stream shows its tool, the SQL and the text."""
    turn = play(chat.page, "legacy_message_delta")
    expect(turn.get_by_text("Here is the query; run it to see the countries, the strongest first.")).to_be_visible()
    turn.get_by_text("sales_analyst").first.click()
    expect(turn.get_by_role("region", name="SQL")).to_contain_text("SUM(net_amount) AS net_sales")


def test_an_answer_that_came_as_one_object_is_shown(chat: Chat) -> None:
    """A final object without any stream before it is shown in full."""
    turn = play(chat.page, "net_sales_by_region", only=["response", "done"])
    expect(turn.get_by_role("table", name="Net sales by region")).to_be_visible()
    expect(turn.get_by_text("EMEA leads with 1,250.50, APAC follows with 980.00.")).to_be_visible()
    expect(turn.get_by_role("button", name="How did EMEA develop month by month?")).to_be_visible()


def test_markers_of_charts_are_not_read_as_text(chat: Chat) -> None:
    """Markers that place a chart or table never show, not even half sent."""
    cleaned = chat.page.evaluate(
        """async () => {
          const { withoutMarkers } = await import("/client/turn.js");
          const text = "Sales: <chart>tooluse_x</chart> up";
          return [...text].map((_, index) => withoutMarkers(text.slice(0, index + 1)));
        }"""
    )
    assert cleaned[-1] == "Sales:  up"
    assert not any("<" in each or "tooluse" in each for each in cleaned)


def answer_text(name: str) -> str:
    """The words of a recorded answer."""
    for frame in cassette.load(CASSETTES / f"{name}.jsonl").interactions[0].frames:
        event, data = frame.data.decode().split("\n")[:2]
        if event == "event: response.text":
            return str(json.loads(data.removeprefix("data: "))["text"])
    raise AssertionError(f"{name} has no response.text")


def play(page: Page, name: str, only: list[str] | None = None) -> Any:
    """Feed a cassette to the page's parser, reducer and view, and return the turn that it drew."""
    body = cassette.load(CASSETTES / f"{name}.jsonl").interactions[0].body().decode()
    page.evaluate(
        """async ([text, only]) => {"""
        + PARSE
        + """
          const { apply, close, newTurn } = await import("/client/turn.js");
          const { TurnView } = await import("/client/render/turn-view.js");
          let turn = newTurn({ key: "played", question: "Played", at: 0 });
          for (const { event, data } of parse([new TextEncoder().encode(text)])) {
            if (only && !only.includes(event)) continue;
            turn = apply(turn, event, event === "done" ? null : JSON.parse(data), 1);
          }
          const view = new TurnView(close(turn, "done", 2), { ask: () => {}, onDrawn: () => {} });
          document.getElementById("turns").append(view.element);
        }""",
        [body, only],
    )
    return page.get_by_role("article")
