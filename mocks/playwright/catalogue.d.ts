// Written by `cortex-harness export`; change scenarios, cassettes or the proxy instead.
import type { Catalogue } from "./stage.js";

/** What can be played instead of the usual answers. */
export type Scenario =
  /** the agent does not exist, or the role may not see it */
  | "agent_not_visible"
  /** Cortex Analyst is answered by a login page */
  | "analyst_behind_login_page"
  /** 402: the model's budget is spent */
  | "budget_spent"
  /** lines end with CR alone */
  | "cr_lines"
  /** no credential arrives, as behind a gateway that strips it */
  | "credential_missing"
  /** lines end with CR LF */
  | "crlf_lines"
  /** status and headers arrive, then the connection drops */
  | "cut_after_headers"
  /** the connection drops after the final event, before `done` */
  | "cut_before_done"
  /** the connection drops when all text is there, before the final event */
  | "cut_before_response"
  /** the connection drops between the bytes of one character */
  | "cut_inside_character"
  /** the upstream connection drops in the middle of a text delta's frame */
  | "cut_inside_frame"
  /** the upstream connection drops after the second text delta */
  | "cut_mid_stream"
  /** the data of a text delta is cut in half */
  | "delta_broken"
  /** a text delta holds a byte that is no UTF-8 */
  | "delta_not_utf8"
  /** a text delta arrives twice */
  | "delta_twice"
  /** the first text delta arrives behind the second */
  | "deltas_out_of_order"
  /** the stream ends properly without `done` */
  | "done_missing"
  /** the upstream ends its answer properly, but before the last event */
  | "ends_early"
  /** an `id:` and a `retry:` line arrive */
  | "event_ids"
  /** the first answer is served, the second breaks off, later ones are served */
  | "every_other_breaks"
  /** the run fails after its first text */
  | "fails_mid_stream"
  /** the final event's data is no JSON */
  | "final_event_broken"
  /** the final event never arrives, `done` does */
  | "final_event_missing"
  /** three streams in ten break off */
  | "flaky_streams"
  /** three requests in ten are answered with 503 */
  | "flaky_upstream"
  /** a gateway in between answers 502 with a page of HTML */
  | "gateway_html"
  /** 504 with a page of HTML */
  | "gateway_timeout"
  /** 503 with a page of HTML instead of a JSON body */
  | "gateway_unavailable"
  /** after the headers nothing but comments, then the end */
  | "heartbeat_only"
  /** the key-pair token is refused, again and again */
  | "jwt_refused"
  /** the first token is refused, a fresh one is accepted */
  | "jwt_refused_once"
  /** the upstream sends a comment line, as other servers do to keep a connection open */
  | "keep_alive_comment"
  /** status 200 with code 390112, which means that nothing was done and a login is due */
  | "login_expired"
  /** 200 with a login page, as a captive network answers */
  | "login_page"
  /** the connection to the proxy drops after the second text delta */
  | "network/cut"
  /** the connection to the proxy is reset after the second text delta */
  | "network/reset"
  /** nobody answers where the proxy should be */
  | "network/unreachable"
  /** a network policy keeps the proxy's address out */
  | "network_blocked"
  /** the connection is closed without so much as a status line */
  | "no_answer"
  /** the role may not run the agent */
  | "not_authorized"
  /** 401: the OAuth token is too old */
  | "oauth_token_expired"
  /** 401: the OAuth token is bad */
  | "oauth_token_invalid"
  /** 401: the programmatic access token is bad */
  | "pat_refused"
  /** 401: a programmatic access token needs a network policy */
  | "pat_without_policy"
  /** the proxy refuses by itself: column-unknown */
  | "problem/column-unknown"
  /** the proxy refuses by itself: invalid-request */
  | "problem/invalid-request"
  /** the proxy refuses by itself: malformed-json */
  | "problem/malformed-json"
  /** the proxy refuses by itself: rate-limited */
  | "problem/rate-limited"
  /** the proxy refuses by itself: result-not-found */
  | "problem/result-not-found"
  /** the proxy refuses by itself: session-mismatch */
  | "problem/session-mismatch"
  /** the proxy refuses by itself: session-not-found */
  | "problem/session-not-found"
  /** the proxy refuses by itself: sql-failed */
  | "problem/sql-failed"
  /** the proxy refuses by itself: sql-refused */
  | "problem/sql-refused"
  /** the proxy refuses by itself: token-invalid */
  | "problem/token-invalid"
  /** the proxy refuses by itself: token-missing */
  | "problem/token-missing"
  /** the proxy refuses by itself: tool-unknown */
  | "problem/tool-unknown"
  /** the proxy refuses by itself: unsupported-media-type */
  | "problem/unsupported-media-type"
  /** three requests a minute, then 429 */
  | "quota_of_a_test"
  /** two requests a minute for each user, then 429 */
  | "quota_of_a_user"
  /** 408: Snowflake gives the request up */
  | "request_given_up"
  /** Snowflake finds the request invalid */
  | "request_refused"
  /** the connection is reset before the answer */
  | "reset_before_answer"
  /** the connection is reset after the second text delta */
  | "reset_mid_stream"
  /** Cortex Search is down, agents are not */
  | "search_unavailable"
  /** 500: Snowflake fails */
  | "server_error"
  /** 401: the session is gone, log in again */
  | "session_gone"
  /** 401: the session's token is too old */
  | "session_token_expired"
  /** the answer is there, the end of the stream is not */
  | "silence_before_done"
  /** two seconds pass before the answer begins */
  | "slow_start"
  /** text arrives at eight tokens a second, unevenly */
  | "slow_tokens"
  /** the SQL API throttles, agents do not */
  | "sql_throttled"
  /** the answer falls silent for two seconds after its first text, then goes on */
  | "stall_mid_stream"
  /** a silence, then the connection drops */
  | "stalls_then_drops"
  /** frames leave only when `POST /__mock/step` says so */
  | "step_by_step"
  /** everything takes three times as long as recorded */
  | "three_times_slower"
  /** the account is over its rate; 429 without Retry-After, as Snowflake answers */
  | "throttled"
  /** the run is throttled in mid-answer */
  | "throttled_mid_stream"
  /** the first two requests are throttled, the third is served */
  | "throttled_then_served"
  /** 429 with a Retry-After that is longer than a proxy should wait */
  | "throttled_with_advice"
  /** frames arrive in pieces of five bytes */
  | "tiny_chunks"
  /** the credential expires while the answer is streaming */
  | "token_expires_mid_stream"
  /** every frame is late by a little more */
  | "trickle"
  /** Snowflake is not available for the moment and says when to come back */
  | "unavailable"
  /** one 503, then everything is well */
  | "unavailable_then_served"
  /** an event nobody knows yet arrives in mid-answer */
  | "unknown_event"
  /** a stream that is announced as JSON */
  | "wrong_content_type";

export const catalogue: Catalogue;
