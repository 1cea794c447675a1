/** A journalled request as a command for a shell. Credentials are never in the journal; they become variables here. */

const HIDDEN = "***";
const OF_THE_CONNECTION = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "traceparent",
  "tracestate",
  "transfer-encoding",
  "user-agent",
]);

/** The command that asks again what an exchange asked. */
export function curlOf(entry, origin) {
  const headers = { ...entry.request_headers };
  // The journal clips long headers, but has the whole fault.
  if (entry.fault_source === "header" && headers["x-mock-fault"]) headers["x-mock-fault"] = headerValue(entry.fault);
  const told = Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.has(name.toLowerCase()));
  const lines = [`curl --no-buffer --globoff ${method(entry)}${quoted(origin + target(entry))}`];
  lines.push(...told.map(([name, value]) => `--header ${header(name, String(value))}`));
  if (entry.request_body) lines.push(`--data-raw ${quoted(entry.request_body)}`);
  const text = lines.join(" \\\n  ");
  return entry.request_truncated ? `# The journal keeps only the beginning of this body.\n${text}` : text;
}

/** The command that asks a recorded question: a request's path, and what it must carry. */
export function curlOfQuestion({ path, match }, origin, headers = {}) {
  const body = path.endsWith(":run") ? agentBody(match) : completionBody(match);
  return curlOf(
    {
      method: "POST",
      path: decoded(path),
      request_headers: {
        authorization: HIDDEN,
        "content-type": "application/json",
        accept: "text/event-stream",
        ...headers,
      },
      request_body: JSON.stringify(body),
    },
    origin,
  );
}

function agentBody({ last_user_text: text, ...others }) {
  return { ...others, messages: [{ role: "user", content: [{ type: "text", text }] }] };
}

function completionBody({ last_user_text: content, model }) {
  return { model, messages: [{ role: "user", content }], stream: true };
}

function method(entry) {
  const implied = entry.request_body ? "POST" : "GET";
  if (entry.method === "HEAD") return "--head ";
  return entry.method === implied ? "" : `--request ${quoted(entry.method)} `;
}

/** The journal holds paths decoded; a question mark in one is no query. */
function target(entry) {
  const path = encodeURI(entry.path).replace(/[?#]/g, encodeURIComponent);
  return entry.query ? `${path}?${entry.query}` : path;
}

function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** A variable stands in double quotes, or the shell would not fill it in; all else in single ones. */
function header(name, value) {
  if (name.toLowerCase() === "authorization") return '"Authorization: Bearer $TOKEN"';
  // A client may name a header so that double quotes would run it, and give it the value that hides.
  if (value === HIDDEN && /^[\w.-]+$/.test(name)) return `"${name}: $${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}"`;
  return quoted(value === "" ? `${name};` : `${name}: ${value}`);
}

function quoted(text) {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** JSON in a header: one line of plain ASCII. */
export function headerValue(fault) {
  return JSON.stringify(fault).replace(
    /[^\x20-\x7e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
