/** As small as a page can be that asks the client API: it shows words and problems, and nothing else. */

const [list, news, form, box, enough] = ["conversation", "news", "form", "box", "enough"].map((id) =>
  document.getElementById(id),
);
let session = null;
let running = null;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(box.value);
  form.reset();
});
enough.addEventListener("click", () => running.abort());

async function ask(question) {
  const turn = added(list, "li", "");
  turn.setAttribute("aria-busy", "true");
  added(turn, "h2", question);
  running = new AbortController();
  enough.disabled = false;
  try {
    await stream(question, turn, added(turn, "p", ""));
  } catch (error) {
    if (error.name === "AbortError") added(turn, "p", "You had enough.");
    else showProblem(turn, { title: "Nobody answers", type: "unreachable" });
  }
  enough.disabled = true;
  turn.setAttribute("aria-busy", "false");
  news.textContent = "Your turn.";
}

async function stream(question, turn, words) {
  session ??= await (await fetch("/api/v1/session/token", { method: "POST" })).json();
  const response = await fetch("/api/v1/chat", {
    method: "POST",
    signal: running.signal,
    headers: {
      Authorization: `Bearer ${session.token}`,
      "Content-Type": "application/json",
      // One trace from here to the agent: a story finds by it what was told of a question.
      traceparent: `00-${hex(16)}-${hex(8)}-01`,
    },
    body: JSON.stringify({ sessionId: session.sessionId, message: question }),
  });
  if (!response.ok) return showProblem(turn, await response.json());
  for await (const { name, data } of eventsOf(response.body)) {
    if (name === "response.text.delta") words.append(data.text);
    if (name === "error") showProblem(turn, data);
  }
}

async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const frames = (rest + part.value).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const [, name] = /^event: ?(.*)$/m.exec(frame) ?? [];
      const [, data] = /^data: ?(\{.*)$/m.exec(frame) ?? [];
      if (name && data) yield { name, data: JSON.parse(data) };
    }
  }
}

function showProblem(turn, problem) {
  const note = added(turn, "div", "");
  note.setAttribute("role", "alert");
  added(note, "strong", problem.title ?? problem.message);
  added(note, "code", String(problem.type ?? problem.code).split("/").pop());
}

function added(parent, name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  parent.append(element);
  return element;
}

function hex(bytes) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (each) => each.toString(16).padStart(2, "0")).join("");
}
