/** The rehearsal panel: questions that have an answer, scenarios, pace. */

import { h } from "./render/dom.js";
import { icon } from "./render/icons.js";
import { PACES } from "./rehearsal.js";

/** Fill the panel. `ask(question)` asks; `choice` takes scenario and pace. */
export function fillPicker(panel, { questions, scenarios, choice, ask, close }) {
  const closeButton = h(
    "button",
    { type: "button", class: "button quiet icon-only narrow-only", "aria-label": "Close", onclick: close },
    icon("close"),
  );
  panel.replaceChildren(
    h("div", { class: "picker-head" }, h("h2", { text: "Rehearsal" }), closeButton),
    h("p", { class: "fine-print", text: `${origin(questions)} Nothing here reaches Snowflake.` }),
    scenarioField(scenarios, choice),
    paceField(choice),
    questionList(questions, ask),
  );
}

/** Where the answers come from, without calling recorded what was not. */
function origin(questions) {
  const kinds = new Set(questions.map(({ provenance }) => provenance));
  if (!kinds.has("recorded")) return "Answers were written from public documentation; none was recorded.";
  return kinds.size > 1 ? "Some answers were recorded, others written from documentation." : "Answers were recorded.";
}

function scenarioField(scenarios, choice) {
  const options = scenarios.map(({ name }) => h("option", { value: name, text: name.replaceAll("_", " ") }));
  const select = h(
    "select",
    { id: "scenario", "aria-describedby": "scenario-about" },
    h("option", { value: "", text: "None" }),
    options,
  );
  const about = h("p", { class: "fine-print", id: "scenario-about" });
  const field = h("div", { class: "field" }, h("label", { for: "scenario", text: "Scenario" }), select, about);
  const show = () => {
    const active = scenarios.find(({ name }) => name === choice.scenario);
    select.value = active?.name ?? "";
    about.textContent = active?.about ?? "Answers play as they are.";
    field.classList.toggle("active", Boolean(active));
  };
  select.addEventListener("change", () => choice.chooseScenario(select.value || null));
  choice.addEventListener("change", show);
  show();
  return field;
}

function paceField(choice) {
  const radios = PACES.map(({ name, label, about }) => {
    const checked = choice.pace.name === name;
    const input = h("input", {
      type: "radio",
      name: "pace",
      value: name,
      checked,
      onchange: () => choice.choosePace(name),
    });
    return h("label", { class: "segment", title: about }, input, h("span", { text: label }));
  });
  return h("fieldset", { class: "field" }, h("legend", { text: "Pace" }), h("div", { class: "segments" }, radios));
}

function questionList(questions, ask) {
  const groups = Map.groupBy(questions, ({ story, about }) => sentence(about ?? storyName(story)));
  const sections = [...groups].map(([name, members], index) => {
    const id = `group-${index}`;
    const items = members.map((question) => h("li", {}, questionButton(question, ask)));
    return h("section", { "aria-labelledby": id }, h("h4", { id, text: name }), h("ul", {}, items));
  });
  return h("div", { class: "questions" }, h("h3", { text: "Questions with an answer" }), sections);
}

function questionButton({ text, story, provenance }, ask) {
  const title = [storyName(story), provenance].filter(Boolean).join(", ");
  return h(
    "button",
    { type: "button", class: "question-choice", "data-asks": true, title, onclick: () => ask(text) },
    h("span", { class: "question-text", text }),
  );
}

/** "agents/net_sales_by_region" is told as "net sales by region". */
function storyName(story) {
  return String(story ?? "others")
    .split("/")
    .pop()
    .replaceAll("_", " ");
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** On narrow screens the panel is a drawer over the page: it takes the focus, and gives it back. */
export function startDrawer({ panel, opener, others }) {
  const set = (open) => {
    panel.classList.toggle("open", open);
    opener.setAttribute("aria-expanded", String(open));
    for (const element of others) element.inert = open;
    const target = open ? panel.querySelector("button") : opener;
    if (target.checkVisibility()) target.focus();
  };
  opener.hidden = false;
  opener.addEventListener("click", () => set(true));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !panel.classList.contains("open")) return;
    event.preventDefault();
    set(false);
  });
  return { close: () => panel.classList.contains("open") && set(false) };
}
