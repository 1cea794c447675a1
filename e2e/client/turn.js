/**
 * A turn as data: what was asked, and what the stream has told so far.
 *
 * `apply` is pure. It shares every block that an event did not touch, so a view redraws only the blocks that changed.
 * A turn has one leg per request: answering a client-side tool continues the turn with a second leg.
 */

export function newTurn({ key, question, at, scenario = null, fresh = false }) {
  return {
    key,
    question,
    scenario,
    restored: null,
    startsNewThread: fresh,
    phase: "waiting",
    leg: 0,
    startedAt: at,
    endedAt: null,
    status: null,
    ids: {},
    assistantMessageId: null,
    blocks: [],
    warnings: [],
    upstreamError: null,
    problem: null,
    outcome: null,
    end: null,
    events: 0,
  };
}

/** The turn after one event. `at` is a clock reading in milliseconds. */
export function apply(turn, event, data, at) {
  const reduce = Object.hasOwn(REDUCERS, event) ? REDUCERS[event] : null;
  if (!reduce || (data === null && event !== "done")) return turn;
  return reduce({ ...turn, events: turn.events + 1 }, data ?? {}, at);
}

/** The turn with its stream over: nothing stays open, and an answer without an end says so. */
export function close(turn, phase, at, problem = null) {
  const blocks = turn.blocks.map((block) => closed(block, at, phase));
  return { ...turn, phase, blocks, problem: problem ?? turn.problem, status: null, endedAt: at };
}

/** The turn once this browser ran one of its tools. */
export function answerTool(turn, result, at) {
  return withTool(turn, result.toolUseId, (tool) => ({
    ...tool,
    state: result.status === "error" ? "failed" : "done",
    content: result.content,
    ranInBrowser: true,
    endedAt: at,
  }));
}

/** The turn, ready for the events of its next request. */
export function nextLeg(turn) {
  return { ...turn, leg: turn.leg + 1, phase: "waiting", outcome: null, end: null, assistantMessageId: null };
}

/** Client-side calls that nobody has answered yet. */
export function openClientTools(turn) {
  return turn.blocks.filter((block) => block.kind === "tool" && block.clientSide && !block.content.length);
}

/** The answer as plain Markdown, as a reader would copy it. */
export function answerText(turn) {
  const texts = turn.blocks.filter((block) => block.kind === "text").map((block) => withoutMarkers(block.text));
  return texts.join("\n\n").trim();
}

/** Text without the markers that stand for a chart or table elsewhere in the answer; a half-sent marker goes too. */
export function withoutMarkers(text) {
  return text
    .replace(/<(chart|table|map)>[^<]*<\/\1>/g, "")
    .replace(/<(chart|table|map)>[^<]*(<\/?[a-z]*)?$/, "")
    .replace(/<(c(h(a(rt?)?)?)?|t(a(b(le?)?)?)?|m(ap?)?)?$/, "");
}

const REDUCERS = {
  "proxy.start": (turn, data) => ({
    ...turn,
    phase: "streaming",
    ids: {
      ...turn.ids,
      sessionId: data.sessionId,
      turnId: data.turnId,
      traceId: data.traceId,
      ...threadOf(data.threadId),
    },
  }),
  "proxy.end": (turn, data) => ({ ...turn, end: data }),
  metadata: (turn, { metadata = {} }) =>
    metadata.role === "assistant" ? { ...turn, assistantMessageId: metadata.message_id ?? null } : turn,
  "response.status": (turn, data) => ({ ...turn, status: data.message || data.status || null }),
  "response.thinking.delta": (turn, data, at) =>
    withBlock(turn, data, "thinking", at, (block) => ({ ...block, text: block.text + (data.text ?? "") })),
  "response.thinking": (turn, data, at) =>
    withBlock(turn, data, "thinking", at, (block) => ({
      ...block,
      text: data.text ?? block.text,
      open: false,
      endedAt: at,
    })),
  "response.text.delta": (turn, data, at) =>
    withBlock(turn, data, "text", at, (block) => ({
      ...block,
      text: block.text + (data.text ?? ""),
      elicitation: data.is_elicitation ?? block.elicitation,
    })),
  "response.text.annotation": (turn, data, at) =>
    withBlock(turn, data, "text", at, (block) => ({
      ...block,
      annotations: annotated(block, data.annotation, data.annotation_index),
    })),
  "response.text": (turn, data, at) =>
    withBlock(turn, data, "text", at, (block) => ({
      ...block,
      text: data.text ?? block.text,
      annotations: (data.annotations ?? []).reduce(
        (annotations, item, index) => annotated({ ...block, annotations, text: data.text ?? block.text }, item, index),
        block.annotations,
      ),
      elicitation: data.is_elicitation ?? block.elicitation,
      open: false,
      endedAt: at,
    })),
  "response.tool_use.status": (turn, data) => ({ ...turn, status: data.message || data.status || turn.status }),
  "response.tool_use": (turn, data, at) => useTool(turn, data, at),
  "response.tool_result.status": (turn, data) =>
    withTool(turn, data.tool_use_id, (tool) => ({ ...tool, progress: data.message || data.status || tool.progress })),
  "response.tool_result.analyst.delta": (turn, data) =>
    withTool(turn, data.tool_use_id, (tool) => ({ ...tool, content: analystSoFar(tool.content, data.delta ?? {}) })),
  "response.tool_result": (turn, data, at) => toolResult(turn, data, at),
  "response.table": (turn, data, at) =>
    addBlock(turn, data, { kind: "table", title: data.title, queryId: data.query_id, resultSet: data.result_set }, at),
  "response.chart": (turn, data, at) => addBlock(turn, data, { kind: "chart", spec: data.chart_spec }, at),
  "response.suggested_queries": (turn, data, at) =>
    addBlock(
      turn,
      data,
      { kind: "suggestions", queries: (data.suggested_queries ?? []).map((item) => item.query) },
      at,
    ),
  "response.warning": (turn, data) => ({
    ...turn,
    warnings: [...turn.warnings, { message: data.message, code: data.code ?? null }],
  }),
  error: (turn, data) =>
    // The proxy's problem object and Snowflake's own error share an event name; only the former has a title.
    data.title
      ? { ...turn, problem: data }
      : { ...turn, upstreamError: data, problem: turn.problem ?? agentProblem(data) },
  response: (turn, data, at) => finalObject(turn, data, at),
  done: (turn) => turn,
  "message.delta": (turn, data, at) =>
    (data.delta?.content ?? []).reduce((next, item) => legacyItem(next, item, at), turn),
};

/** Snowflake's own error event, told as a problem; the proxy passes it on as it is. */
function agentProblem({ message, code, error_code: olderCode }) {
  return {
    type: "upstream-error",
    title: "The agent reported an error",
    detail: message || "It gave no reason.",
    upstreamCode: code ?? olderCode,
    retryable: true,
  };
}

function threadOf(threadId) {
  return threadId == null ? {} : { threadId };
}

function closed(block, at, phase) {
  if (block.kind === "tool" && block.state === "running") {
    return { ...block, state: phase === "done" ? "unanswered" : phase, endedAt: at };
  }
  return block.open ? { ...block, open: false, endedAt: at } : block;
}

function keyOf(turn, data, kind) {
  return `${turn.leg}.${data.content_index ?? kind + turn.blocks.length}`;
}

function withBlock(turn, data, kind, at, change) {
  const key = keyOf(turn, data, kind);
  const index = turn.blocks.findLastIndex((block) => block.key === key);
  if (index < 0) return { ...turn, blocks: [...quiet(turn.blocks, at), change(emptyBlock(key, kind, at))] };
  return { ...turn, blocks: turn.blocks.with(index, change(turn.blocks[index])) };
}

/** A new block ends the thinking before it, also where no whole-block event said so. */
function quiet(blocks, at) {
  const last = blocks.at(-1);
  return last?.kind === "thinking" && last.open ? blocks.with(-1, { ...last, open: false, endedAt: at }) : blocks;
}

function emptyBlock(key, kind, at) {
  const block = { key, kind, text: "", open: true, startedAt: at, endedAt: null };
  return kind === "text" ? { ...block, annotations: [], elicitation: false } : block;
}

function addBlock(turn, data, block, at) {
  return { ...turn, blocks: [...quiet(turn.blocks, at), { key: keyOf(turn, data, block.kind), ...block }] };
}

/** An annotation belongs where the text stood when it came; the whole-block event repeats it and moves nothing. */
function annotated(block, annotation, index = block.annotations.length) {
  if (!annotation) return block.annotations;
  const known = block.annotations[index];
  const place = known?.place ?? block.text.length;
  const next = block.annotations.slice();
  next[index] = { ...annotation, place };
  return next.filter(Boolean);
}

function useTool(turn, data, at) {
  const tool = {
    kind: "tool",
    key: `${turn.leg}.tool.${data.tool_use_id}`,
    toolUseId: data.tool_use_id,
    type: data.type ?? data.name,
    name: data.name,
    input: data.input ?? {},
    // The documentation's example carries the string "true", live servers a boolean.
    clientSide: data.client_side_execute === true || data.client_side_execute === "true",
    ranInBrowser: false,
    state: "running",
    progress: null,
    content: [],
    startedAt: at,
    endedAt: null,
  };
  return { ...turn, blocks: [...quiet(turn.blocks, at), tool] };
}

function withTool(turn, toolUseId, change) {
  const index = turn.blocks.findLastIndex((block) => block.kind === "tool" && block.toolUseId === toolUseId);
  return index < 0 ? turn : { ...turn, blocks: turn.blocks.with(index, change(turn.blocks[index])) };
}

function toolResult(turn, data, at) {
  const known = turn.blocks.some((block) => block.kind === "tool" && block.toolUseId === data.tool_use_id);
  return withTool(known ? turn : useTool(turn, data, at), data.tool_use_id, (tool) => ({
    ...tool,
    state: data.status === "error" ? "failed" : "done",
    content: data.content ?? [],
    progress: null,
    endedAt: at,
  }));
}

/** Older servers stream the analyst's result; text grows, everything else comes whole. */
function analystSoFar(content, delta) {
  const json = { ...content[0]?.json };
  for (const [name, value] of Object.entries(delta)) {
    const grows = ["text", "think", "sql_explanation"].includes(name);
    json[name] = grows ? (json[name] ?? "") + value : value;
  }
  return [{ type: "json", json }];
}

function finalObject(turn, data, at) {
  const metadata = data.metadata ?? {};
  const streamed = turn.blocks.some((block) => block.key.startsWith(`${turn.leg}.`));
  const filled = streamed
    ? turn
    : (data.content ?? []).reduce((next, item, index) => wholeItem(next, item, index, at), turn);
  return {
    ...filled,
    outcome: data.status ?? "completed",
    ids: { ...filled.ids, ...threadOf(metadata.thread_id) },
    assistantMessageId: metadata.assistant_message_id ?? filled.assistantMessageId,
  };
}

/** An answer that came as one object is told as the events it would have been. */
function wholeItem(turn, item, index, at) {
  const inner = item.type === "suggested_queries" ? item : item[item.type];
  const data = item.type === "text" ? item : inner;
  const reduce = REDUCERS[`response.${item.type}`];
  return data && reduce ? reduce(turn, { ...data, content_index: index }, at) : turn;
}

function legacyItem(turn, item, at) {
  if (item.type === "text") return legacyText(turn, item.text ?? "", at);
  if (item.type === "tool_use") return useTool(turn, item.tool_use, at);
  if (item.type === "tool_results") return toolResult(turn, item.tool_results, at);
  if (item.type === "chart") return addBlock(turn, {}, { kind: "chart", spec: item.chart?.chart_spec }, at);
  return turn;
}

/** Legacy deltas have no block numbers that hold: text continues the block before it, or begins one. */
function legacyText(turn, text, at) {
  const last = turn.blocks.at(-1);
  if (last?.kind !== "text") {
    const block = { ...emptyBlock(keyOf(turn, {}, "text"), "text", at), text };
    return { ...turn, blocks: [...quiet(turn.blocks, at), block] };
  }
  return { ...turn, blocks: turn.blocks.with(-1, { ...last, text: last.text + text }) };
}
