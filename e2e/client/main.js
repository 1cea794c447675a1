/** Wiring: the page's parts and who tells whom. */

import { createClient } from "/client/shared/index.js"; // contracts/shared/lib, which the proxy serves beside this folder
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Kept } from "./kept.js";
import { startMeasuring } from "./measures.js";
import { fillPicker, startDrawer } from "./picker.js";
import { Choice, loadRehearsal } from "./rehearsal.js";
import { h } from "./render/dom.js";
import { icon } from "./render/icons.js";
import { buttonNotice, plainNotice } from "./render/notices.js";
import { TurnView } from "./render/turn-view.js";
import { Follower } from "./scroll.js";
import { startSessionChip } from "./session-chip.js";
import { recallInTab, remember, rememberInTab } from "./storage.js";
import { startTheme } from "./theme.js";

const STARTERS = ["net_sales_by_region", "three_charts", "citations", "elicitation"];
const ANNOUNCED = { done: "The answer is complete.", stopped: "The answer was stopped." };
const RESTORED = {
  whole: "This conversation was restored. Thinking is not kept.",
  parts: "This conversation was restored in part: some of it was not kept.",
  ended: "A new session began, because the old one has ended. Its conversation cannot be shown any more.",
};

const byId = (id) => document.getElementById(id);
const views = new Map();
// The reader is told at once of a refusal, and when to try again: waiting in silence would look like a slow agent.
const keep = { get: () => recallInTab("session"), set: (text) => rememberInTab("session", text) };
const client = createClient({ retry: { tries: 1 }, keep });
const choice = new Choice();
const kept = new Kept();
const conversation = new Conversation({ client, rehearsal: () => choice.forRequest(), onTurn: showTurn, kept });
const composer = new Composer(document, { onAsk: ask, onStop: () => conversation.stop() });
const follower = new Follower(byId("scroller"), byId("jump"));
let drawer = null;
let scenarios = [];

startMeasuring((metric) => client.measure(metric));
startTheme(byId("theme"));
startSessionChip(byId("session"), client.session);
decorateButtons();
byId("new-conversation").addEventListener("click", newConversation);
client.session.onChange((session, replaced) => {
  if (!replaced) return;
  conversation.forgetThread();
  addNote("A new session began, because the old one could not be renewed. The agent starts without memory.");
});
choice.addEventListener("change", showScenario);
// A session that cannot be had is told with the first question, where it can be tried again.
client.session.token().catch(() => {});
loadRehearsal().then((rehearsal) => (rehearsal ? startRehearsal(rehearsal) : showMode("live")));
delete document.documentElement.dataset.restoring;
restore();
composer.focus();

/** Show again what this tab asked before it was loaded anew. */
async function restore() {
  if (!kept.told) return;
  byId("welcome").hidden = true;
  announce("Restoring the conversation.");
  try {
    const restoring = conversation.restore();
    setRunning(true);
    tellRestored(await restoring);
  } catch (error) {
    const words = `The conversation could not be restored: ${error.problem?.title ?? error.message}.`;
    byId("restored").replaceChildren(buttonNotice(words, { iconName: "alert", label: "Try again", run: restore }));
    announce(words);
  }
  setRunning(conversation.isRunning);
  follower.toEnd();
}

function tellRestored(outcome) {
  byId("welcome").hidden = views.size > 0;
  byId("restored").replaceChildren(...(outcome ? [plainNotice(RESTORED[outcome], "clock")] : []));
  announce(RESTORED[outcome] ?? "");
}

async function ask(question) {
  if (conversation.isRunning) return;
  if (byId("welcome").contains(document.activeElement)) composer.focus(); // it goes, and the focus would go with it
  drawer?.close();
  if (!views.size) byId("restored").replaceChildren();
  const answer = conversation.ask(question);
  setRunning(true);
  follower.toEnd();
  announce("Asking the agent.");
  const turn = await answer;
  setRunning(conversation.isRunning);
  announce(turn.problem ? `Error: ${turn.problem.title}.` : (ANNOUNCED[turn.phase] ?? ""));
}

function showTurn(turn) {
  byId("welcome").hidden = true;
  if (!views.has(turn.key)) {
    const view = new TurnView(turn, { ask, onDrawn: afterDrawing });
    views.set(turn.key, view);
    byId("turns").append(view.element);
  }
  views.get(turn.key).update(turn);
}

function newConversation() {
  conversation.reset();
  for (const view of views.values()) view.destroy();
  views.clear();
  byId("turns").replaceChildren();
  byId("restored").replaceChildren();
  byId("welcome").hidden = false;
  setRunning(false);
  announce("New conversation.");
  composer.focus();
}

function afterDrawing() {
  holdButtons();
  follower.follow();
}

function setRunning(running) {
  composer.setRunning(running);
  holdButtons();
}

/** Buttons that ask wait for the answer that is coming. Not `disabled`: the one that was pressed keeps the focus. */
function holdButtons() {
  for (const button of document.querySelectorAll("[data-asks]")) button.ariaDisabled = String(conversation.isRunning);
}

/** Remembered, so that the next visit has the panel's place, or none, from the first paint on. */
function showMode(mode) {
  document.documentElement.dataset.mode = mode;
  remember("mode", mode);
}

function startRehearsal({ questions: answered, scenarios: known }) {
  showMode("rehearsal");
  scenarios = known;
  const questions = byInterest(answered);
  byId("rehearsal-badge").hidden = false;
  document.body.classList.add("rehearsing");
  drawer = startDrawer({
    panel: byId("picker"),
    opener: byId("open-picker"),
    others: [document.querySelector("main"), document.querySelector("header")],
  });
  fillPicker(byId("picker"), { questions, scenarios, choice, ask, close: () => drawer.close() });
  byId("starters").replaceChildren(...starters(questions).map(starter));
}

/** The questions in the order that shows most first. */
function byInterest(questions) {
  const rank = ({ story }) => {
    const index = STARTERS.findIndex((name) => String(story).endsWith(name));
    return index < 0 ? STARTERS.length : index;
  };
  return questions.toSorted((a, b) => rank(a) - rank(b));
}

/** Four questions to begin with, of four stories. */
function starters(questions) {
  const opensStory = ({ story }, index) => questions.findIndex((other) => other.story === story) === index;
  return questions.filter(opensStory).slice(0, STARTERS.length);
}

function starter({ text, about }) {
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "starter", "data-asks": true, onclick: () => ask(text) },
      h("span", { class: "question-text", text }),
      about ? h("span", { class: "question-about", text: about }) : null,
    ),
  );
}

function showScenario() {
  const line = byId("scenario-active");
  line.hidden = !choice.scenario;
  if (!choice.scenario) return;
  const about = scenarios.find(({ name }) => name === choice.scenario)?.about;
  const clear = h(
    "button",
    { type: "button", class: "button quiet small", onclick: clearScenario },
    icon("close"),
    "Clear",
  );
  const words = h("span", {}, h("strong", { text: `Scenario: ${choice.scenario}` }), about ? ` \u2013 ${about}` : "");
  line.replaceChildren(icon("sliders"), words, clear);
}

function clearScenario() {
  choice.chooseScenario(null);
  composer.focus();
}

function addNote(text) {
  if (!views.size) return;
  byId("turns").append(plainNotice(text));
  announce(text);
  follower.follow();
}

function announce(text) {
  byId("announcer").textContent = text;
}

function decorateButtons() {
  byId("new-conversation").prepend(icon("plus"));
  byId("open-picker").append(icon("sliders"));
  byId("jump").prepend(icon("arrowDown"));
  byId("stop").prepend(icon("stop"));
  byId("send").prepend(icon("arrowUp"));
}
