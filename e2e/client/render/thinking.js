/** The agent's reasoning: open while it comes, folded once it ended, open again when the reader wants it. */

import { roughDuration } from "../format.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { MarkdownView } from "./markdown.js";

export function thinkingView() {
  const title = h("span", { text: "Thinking\u2026" });
  const body = h("div", { class: "markdown quiet-text" });
  const summary = h("summary", {}, icon("thought"), title, icon("chevron"));
  const element = h("details", { class: "thinking", open: true }, summary, body);
  const view = new MarkdownView(body);
  let touched = false;
  summary.addEventListener("click", () => {
    touched = true;
  });
  return {
    element,
    update(block) {
      view.update(block.text, { final: !block.open });
      element.classList.toggle("streaming", block.open);
      if (block.open) return;
      title.textContent = `Thought for ${roughDuration(block.endedAt - block.startedAt)}`;
      if (!touched) element.open = false;
      touched = true;
    },
  };
}
