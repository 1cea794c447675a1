/** The mock's admin routes, asked from the page. */

const MAX_WORDS = 400;

/** An answer other than the asked one, in words a reader can use. */
export class ApiError extends Error {
  constructor(status, message, faults = []) {
    super(message);
    this.status = status;
    this.faults = faults;
  }
}

/** The JSON of an admin route, or of `wanted: "response"` the response itself.   Throws: ApiError. */
export async function ask(path, { method = "GET", query = {}, body, signal, wanted = "json" } = {}) {
  const response = await send(url(path, query), {
    method,
    signal,
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: body === undefined ? {} : { "content-type": "application/json" },
  });
  if (!response.ok) throw await refused(response);
  if (wanted === "response") return response;
  return response.status === 204 ? null : response.json();
}

/** A path with its query; empty values are left out. */
export function url(path, query = {}) {
  const told = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(told).toString();
  return `/__mock/${path}${text ? `?${text}` : ""}`;
}

async function send(target, options) {
  try {
    return await fetch(target, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The mock does not answer. Is it still running?");
  }
}

async function refused(response) {
  const text = await response.text();
  try {
    const { message, mock } = JSON.parse(text);
    return new ApiError(response.status, String(message).slice(0, MAX_WORDS), reasons(mock));
  } catch {
    return new ApiError(response.status, `The mock answered ${response.status}: ${text.slice(0, MAX_WORDS)}`);
  }
}

function reasons(mock) {
  if (!mock) return [];
  if (Array.isArray(mock.faults)) return mock.faults.map(String);
  return Object.entries(mock).map(([name, value]) =>
    `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`.slice(0, MAX_WORDS),
  );
}
