/** The answer's words. */

import { withoutMarkers } from "../turn.js";
import { linkReferences, markReferences } from "./citations.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { MarkdownView } from "./markdown.js";

export function textView() {
  const label = h("p", { class: "elicitation-label", hidden: true }, icon("question"), "The agent asks you");
  const body = h("div", { class: "markdown" });
  const element = h("div", { class: "text" }, label, body);
  let sources = [];
  const view = new MarkdownView(body, (node) => linkReferences(node, sources));
  return {
    element,
    update(block, context) {
      sources = context.sources;
      label.hidden = !block.elicitation;
      element.classList.toggle("elicitation", block.elicitation);
      element.classList.toggle("streaming", block.open);
      const text = withoutMarkers(block.text).replace(/\r\n?/g, "\n");
      view.update(markReferences(text, block.annotations, sources), { final: !block.open });
    },
  };
}
