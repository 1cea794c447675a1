/** What an exchange of the journal says about itself; pure. */

/** Outcomes as the journal names them, with what each means; "running" is the page's word for none yet. */
export const OUTCOMES = {
  running: "the answer is still on its way",
  answered: "the whole answer was handed to the connection",
  missed: "no recording answers this request",
  refused: "the request was refused, as Snowflake would",
  cut: "the connection was dropped on purpose",
  client_gone: "the client left before the end",
  failed: "a defect of the mock",
};

const MAX_TITLE = 200;

export function outcomeOf(entry) {
  return entry.outcome ?? "running";
}

/** The outcome in words for a badge. */
export function outcomeWords(entry) {
  return outcomeOf(entry).replace("_", " ");
}

/** What was asked, in the caller's own words where it has some. */
export function titleOf(entry) {
  const asked = question(entry.request_body) ?? entry.path;
  const line = asked.replace(/\s+/g, " ").trim();
  return line.length > MAX_TITLE ? `${line.slice(0, MAX_TITLE)}\u2026` : line || entry.path;
}

/** The last thing a user said, the statement or the query of a request body; null when it has none of them. */
export function question(body) {
  const document = parsed(body);
  if (!document || typeof document !== "object") return null;
  const said = Array.isArray(document.messages) ? lastWords(document.messages) : null;
  const words = said ?? document.statement ?? document.query ?? document.sqlText;
  return typeof words === "string" && words.trim() ? words : null;
}

function lastWords(messages) {
  const spoken = messages.findLast((message) => message?.role === "user");
  if (typeof spoken?.content === "string") return spoken.content;
  if (!Array.isArray(spoken?.content)) return null;
  return spoken.content.findLast((part) => typeof part?.text === "string")?.text ?? null;
}

function parsed(body) {
  try {
    return JSON.parse(body ?? "");
  } catch {
    return null;
  }
}

/** A path without the parts that every agent path shares, for narrow places. */
export function shortPath(path) {
  const agent = /^\/api\/v2\/databases\/(.+)\/schemas\/(.+)\/(agents|cortex-search-services)\/(.+)$/.exec(path);
  return agent ? `${agent[4]} in ${agent[1]}.${agent[2]}` : path.replace(/^\/api\/v2\//, "");
}

/** How long the exchange took, or has taken up to its last known frame. */
export function durationOf(entry) {
  if (entry.duration_ms !== null && entry.duration_ms !== undefined) return entry.duration_ms;
  return (entry.timeline ?? []).reduce((last, [planned, actual]) => Math.max(last, actual ?? planned), 0);
}

/** Whether an exchange fits what the reader narrowed the journal to; the empty string asks for nothing. */
export function fits(entry, { outcome = "", path = "", scenario = "", test = "" }) {
  return (
    (!outcome || outcomeOf(entry) === outcome) &&
    (!path || entry.path === path) &&
    (!scenario || entry.scenario === scenario) &&
    (!test || entry.test_id === test)
  );
}

/** Whether every word of a search occurs in the exchange. */
export function mentions(entry, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const fields = [
    `#${entry.id}`,
    entry.method,
    entry.path,
    entry.status,
    outcomeWords(entry),
    entry.why,
    entry.cassette,
  ];
  fields.push(entry.scenario, entry.test_id, entry.trace_id, entry.user, titleOf(entry));
  const text = fields.filter(Boolean).join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}
