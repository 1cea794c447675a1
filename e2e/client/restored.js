/** Turns as the history holds them, told as the turns they were. Thinking is not kept. */

import { apply, close, newTurn, nextLeg, openClientTools } from "./turn.js";

/** The turns of a conversation, oldest first. What answered a tool of this page continues the turn that asked for it. */
export function restoredTurns(stored) {
  return stored.reduce((turns, each) => {
    const last = turns.at(-1);
    const continues = each.question === null && last;
    return continues ? turns.with(-1, withLeg(nextLeg(ranTools(last)), each)) : [...turns, withLeg(begun(each), each)];
  }, []);
}

function begun({ turnId, question }) {
  return newTurn({ key: `turn-${turnId}`, question: question ?? "A tool of this page answered.", at: 0 });
}

/** The turn with the answer to one request, told as the events it would have been. */
function withLeg(turn, { turnId, traceId, threadId, assistantMessageId, content, answer, ...stored }) {
  const words = answer ? [{ type: "text", text: answer }] : [];
  const metadata = { thread_id: threadId, assistant_message_id: assistantMessageId };
  const events = [
    ["proxy.start", { turnId, traceId, threadId }],
    ["response", { content: content ?? words, metadata, status: stored.complete ? "completed" : "incomplete" }],
    ["proxy.end", { turnId, reason: stored.endReason, usage: stored.usage, durationMs: stored.durationMs }],
  ];
  const told = events.reduce((soFar, [event, data]) => apply(soFar, event, data, 0), turn);
  const restored = { startedAt: Date.parse(stored.startedAt), isTextAlone: stored.complete && !content };
  return { ...close(told, stored.complete ? "done" : "stopped", 0), restored };
}

/** What the page answered is not kept, only that it did. */
function ranTools(turn) {
  const asked = new Set(openClientTools(turn));
  const blocks = turn.blocks.map((block) =>
    asked.has(block) ? { ...block, state: "done", ranInBrowser: true } : block,
  );
  return { ...turn, blocks };
}
