/** What a consumer may write, and what the compiler must refuse. Compiled as for a page, and as for Node. */

import {
  ConnectionLostError,
  ProblemError,
  createClient,
  isKnown,
  newTrace,
  type ChatEvent,
  type ChatStreamEvent,
  type ChatTurn,
  type Client,
  type ProblemKind,
  type SqlAnswer,
  type Status,
  type components,
} from "@cortex-harness/shared";
import { zChatEvent, zChatRequest } from "@cortex-harness/shared/schemas";
import document from "@cortex-harness/shared/openapi.json" with { type: "json" };
import type * as z from "zod";

/** Compiles only where both types are the same; `any` is the same as nothing else. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function holds<_Claim extends true>(): void {}

const client: Client = createClient({ baseUrl: "http://127.0.0.1:8080", retry: { tries: 1 } });

export async function ask(turn: ChatTurn, signal: AbortSignal): Promise<string> {
  let answer = "";
  for await (const event of client.chat(turn, { signal, trace: newTrace() })) {
    switch (event.event) {
      case "proxy.start":
        holds<Same<typeof event.data.turnId, string>>();
        break;
      case "response.text.delta":
        holds<Same<typeof event.data.text, string>>();
        answer += event.data.text;
        // @ts-expect-error this event has no such field
        void event.data.txet;
        break;
      case "error":
        if ("type" in event.data) holds<Same<typeof event.data.retryable, boolean>>();
        break;
      case "proxy.end":
        holds<Same<typeof event.data.reason, components["schemas"]["EndReason"]>>();
        break;
      // @ts-expect-error there is no such event
      case "response.text.deltas":
        break;
      default:
        if (!isKnown(event)) holds<Same<typeof event.data, unknown>>();
    }
  }
  return answer;
}

export function unknownEvents(event: ChatStreamEvent): void {
  if (isKnown(event)) {
    holds<Same<typeof event, ChatEvent>>();
    return;
  }
  holds<Same<typeof event.data, unknown>>();
  const name: string = String(event.event);
  void name;
}

export async function tools(): Promise<void> {
  const answer = await client.sql({ statement: "select 1" });
  holds<Same<typeof answer, SqlAnswer>>();
  holds<Same<(typeof answer.rows)[number][number], string | null>>();
  holds<Same<Awaited<ReturnType<Client["status"]>>, Status>>();
  await client.search({ query: "refunds", columns: ["TITLE"] });
  await client.history({ limit: 5 });
  await client.analyst({ messages: [{ role: "user", text: "net sales" }] });

  // @ts-expect-error a search needs a query
  await client.search({ limit: 1 });
  // @ts-expect-error the proxy refuses what it does not know
  await client.search({ query: "a", colums: ["TITLE"] });
  // @ts-expect-error the client names the session
  client.chat({ message: "a", sessionId: "s" });
  // @ts-expect-error the method says whether it streams
  await client.analyst({ messages: [], stream: true });
  // @ts-expect-error a turn has a message
  client.chat({ threadId: 1 });
}

export function refusals(error: unknown): string {
  if (!(error instanceof ProblemError)) return "";
  holds<Same<typeof error.retryAfterS, number | undefined>>();
  holds<Same<typeof error.kind, ProblemKind>>();
  if (error instanceof ConnectionLostError) return error.message;
  return error.kind === "rate-limited" ? "later" : error.problem.title;
}

export function checked(value: unknown): ChatEvent {
  const event = zChatEvent.parse(value);
  holds<Same<z.infer<typeof zChatRequest>["sessionId"], string>>();
  return event;
}

/** A request that passed the schema is one that the client takes. */
export function checkedTurn(value: unknown): ChatTurn {
  const { sessionId: _, ...turn } = zChatRequest.parse(value);
  return turn;
}

export const version: string = document.info.version;
