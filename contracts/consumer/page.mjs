/**
 * What the reference page makes of events: its own reducer, asked from outside.
 *
 * On stdin a JSON array of cases {before, event}: events that the turn has seen, and the one to read. On stdout, for
 * each, the turn after it, with result sets and sources as the page draws them.
 */

import { text } from "node:stream/consumers";

import { readResultSet } from "../../e2e/client/result-set.js";
import { apply, newTurn } from "../../e2e/client/turn.js";

const cases = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(cases.map(turnAfter)));

function turnAfter({ before, event }) {
  let turn = newTurn({ key: "turn", question: "", at: 0 });
  for (const seen of before) turn = apply(turn, seen.event, seen.data, 0);
  return { ...(turn = apply(turn, event.event, event.data, 1)), blocks: turn.blocks.map(drawn) };
}

/** Of what the reducer keeps whole, only what the views take out of it. */
function drawn(block) {
  if (block.kind === "table") return { ...block, resultSet: readResultSet(block.resultSet) };
  if (block.kind === "text") return { ...block, annotations: (block.annotations ?? []).map(source) };
  return block;
}

/** The fields of a source that `render/citations.js` reads. */
function source({ type, doc_id, doc_title, text: quote, source_url, title, end_index, place }) {
  return { type, doc_id, doc_title, quote, source_url, title, end_index, place };
}
