/** Wiring: the views, the address that chooses among them, and the mock's live events. */

import { ask, url } from "./api.js";
import { CassettesView } from "./cassettes-view.js";
import { curlOfQuestion } from "./curl.js";
import { h, notice } from "./dom.js";
import { EntryView } from "./entry-view.js";
import { FaultsView } from "./faults-view.js";
import { Journal } from "./journal.js";
import { JournalView } from "./journal-view.js";
import { Library } from "./library.js";
import { Live } from "./live.js";
import { ScenariosView } from "./scenarios-view.js";
import { Scope } from "./scope.js";
import { startTheme } from "./theme.js";

const STATES = {
  connecting: ["Connecting", "joining the mock's live events"],
  live: ["Live", "exchanges appear as they happen"],
  away: ["Away", "the mock does not answer; trying again"],
};
const FALLBACK = { path: "/api/v2/cortex/agent:run", match: { last_user_text: "Net sales by region" } };

const GONE = [
  "No such exchange",
  "The journal is bounded: the oldest exchanges go first. It may also have been cleared, or does not fit the filters.",
];

const byId = (id) => document.getElementById(id);
const journal = new Journal();
const live = new Live(url("live"));
const library = new Library();
const scope = new Scope();
let question = FALLBACK;
let draft = null;
let isStale = false;
let activeTurn = 0;

const example = (headers) => curlOfQuestion(question, location.origin, headers);
const tests = () => [...journal.names.test];
const journalView = new JournalView(journal, { example });
const entryView = new EntryView({ close: () => go("journal"), compose });
const journalPage = h("div", { class: "panes" }, journalView.element, entryView.element);
const faultsView = new FaultsView({ scope, tests, library, onChange: showActive });
const scenariosView = new ScenariosView({ scope, tests, example, compose, onChange: showActive });
const cassettesView = new CassettesView({ library, compose });

const VIEWS = {
  journal: { element: journalPage, title: "Journal", show: ([id]) => showJournal(id) },
  faults: { element: faultsView.element, title: "Faults", show: () => showFaults() },
  scenarios: { element: scenariosView.element, title: "Scenarios", show: () => scenariosView.load() },
  cassettes: {
    element: cassettesView.element,
    title: "Cassettes",
    show: ([name, index]) => cassettesView.load(name, Number(index ?? 0)),
  },
};

startTheme(byId("theme"));
window.addEventListener("hashchange", route);
window.addEventListener("focus", showActive);
journal.addEventListener("change", followSelected);
live.addEventListener("state", showState);
live.addEventListener("entry", ({ detail }) => journal.take(detail));
live.addEventListener("frames", ({ detail }) => journal.takeFrames(detail));
live.addEventListener("reset", () => journal.reset());
document.addEventListener("keydown", (event) => {
  const isField = event.target.matches("input, select, textarea");
  if (event.key === "Escape" && !isField && selectedId() !== null) go("journal");
});
// An anchor would change the hash, which names the view here.
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("view").focus();
});
route();
showState();
live.start();
journal.load();
showActive();
library.list().then(
  (tapes) => {
    question = openingOf(tapes) ?? question;
    for (const view of [journalView, scenariosView]) view.retell();
  },
  () => {},
);

/** The first recorded question that opens a conversation with an agent. */
function openingOf(tapes) {
  const requests = tapes.flatMap(({ interactions }) => interactions.map(({ request }) => request));
  return requests.find(
    ({ path, match }) => path.endsWith(":run") && match?.last_user_text && Object.keys(match).length === 1,
  );
}

/** The address after the hash: a view, and what of it. */
function address() {
  const [view, ...rest] = location.hash.slice(1).split("/");
  return { view: view in VIEWS ? view : "journal", rest: rest.map(decoded) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function go(view) {
  location.hash = view;
}

function route() {
  const { view, rest } = address();
  const { element, title, show } = VIEWS[view];
  const host = byId("view");
  if (host.firstElementChild !== element) host.replaceChildren(element);
  document.title = `${title} \u00b7 cortex-harness mock`;
  for (const link of document.querySelectorAll("nav.views a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  show(rest);
}

function selectedId() {
  const { view, rest } = address();
  return view === "journal" && /^\d+$/.test(rest[0] ?? "") ? Number(rest[0]) : null;
}

async function showJournal() {
  const id = selectedId();
  journalPage.classList.toggle("has-detail", id !== null);
  entryView.element.hidden = id === null;
  journalView.select(id);
  if (id === null) return;
  followSelected();
  if (!journal.entry(id)) entryView.showNothing("Exchange", "Reading the exchange.");
  const problem = await journal.complete(id).then(
    () => GONE,
    (error) => ["The exchange cannot be read", error.message],
  );
  if (selectedId() !== id) return;
  if (journal.entry(id)) followSelected();
  else entryView.showNothing(...problem);
  if (window.matchMedia("(max-width: 60rem)").matches) entryView.element.focus();
}

function followSelected() {
  const id = selectedId();
  const entry = id === null ? null : journal.entry(id);
  if (entry) entryView.show(entry);
}

function showFaults() {
  faultsView.load(draft);
  draft = null;
}

/** Take a recording, and a fault if there is one, to the composer. */
function compose({ cassette, interaction, fault }) {
  draft = { cassette, interaction, fault };
  if (address().view === "faults") showFaults();
  else go("faults");
}

function showState() {
  const [word, meaning] = STATES[live.state];
  const pill = byId("live");
  pill.dataset.state = live.state;
  pill.querySelector(".live-word").textContent = word;
  pill.title = meaning;
  if (live.state === "away") isStale = true;
  if (live.state === "live") catchUp();
}

/** Fetch what happened while nobody listened. A mock that was away may be another one by now, and count anew. */
async function catchUp() {
  showActive();
  if (!isStale) return journal.load();
  isStale = false;
  library.forget();
  await journal.reset();
  return route();
}

/** What is set for everyone concerns every caller, so every view says it. */
async function showActive() {
  const turn = ++activeTurn;
  const [scenario, fault] = await Promise.all([
    ask("scenarios/active").then(
      (answer) => answer.scenario,
      () => null,
    ),
    ask("faults").then(
      (answer) => answer?.fault ?? null,
      () => null,
    ),
  ]);
  if (turn !== activeTurn) return;
  const told = [
    scenario
      ? h(
          "p",
          {},
          "Scenario ",
          h("strong", { text: scenario }),
          " is active for everyone. ",
          h("a", { href: "#scenarios", text: "Change" }),
        )
      : null,
    fault
      ? h(
          "p",
          {},
          "A fault is set for everyone: ",
          h("strong", { text: Object.keys(fault).join(", ") }),
          ". ",
          h("a", { href: "#faults", text: "Change" }),
        )
      : null,
  ].filter(Boolean);
  const place = byId("active");
  if (place.textContent === told.map((each) => each.textContent).join("")) return;
  place.replaceChildren(...(told.length ? [notice("warning", ...told)] : []));
}
