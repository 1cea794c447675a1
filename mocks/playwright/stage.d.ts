/** A frame that is due `dueMs` milliseconds after the request. */
export interface PlannedFrame {
  dueMs: number;
  data: Uint8Array<ArrayBuffer>;
}

/** How a connection ends: the body properly, broken off, reset, or no answer at all. */
export type Ends = "clean" | "cut" | "reset" | "unreachable";

/** What a request gets, and when. */
export interface Plan {
  status: number;
  headers: [name: string, value: string][];
  /** A stream leaves frame by frame; any other body as a whole, with its head. */
  isStream: boolean;
  headMs: number;
  frames: PlannedFrame[];
  endsMs: number;
  ends: Ends;
  /** To be told once how many frames left: the history then holds the turn. */
  ended(sent: number): void;
}

/** A request, its body read. */
export interface Asked {
  method: string;
  url: string;
  headers: Headers;
  body: string;
}

export interface RecordedFrame {
  atMs?: number;
  heldMs?: number;
  text?: string;
  base64?: string;
}

export interface RecordedAnswer {
  status: number;
  headers: Record<string, string>;
  headMs?: number;
  ends?: Ends;
  moments?: Record<string, number>;
  place?: Record<string, number>;
  turn?: Record<string, unknown>;
  frames: RecordedFrame[];
}

export interface RecordedExchange {
  request: { method: string; path: string; anything?: boolean; thread?: string } & Record<string, unknown>;
  answers: RecordedAnswer[];
  order?: number[];
  beginsAgain?: boolean;
}

export interface Recording {
  recording: 1;
  kind: "story" | "scenario" | "problem" | "network" | "proxy";
  name: string;
  about: string;
  provenance: string;
  exchanges: RecordedExchange[];
}

/** Where a recording is, loaded when it is first played. */
export interface Entry {
  about: string;
  load(): Promise<{ default: Recording }>;
}

export interface Catalogue {
  scenarios: Record<string, Entry>;
  problems: Record<string, Entry>;
  network: Record<string, Entry>;
  stories: (Entry & { name: string; asks: Record<string, string>[] })[];
  tools: Entry;
  plain: Entry;
}

export interface StageOptions {
  /** The scenario that is played; a function is asked for each request. */
  scenario?: string | null | ((asked: Asked) => string | null | undefined | Promise<string | null | undefined>);
  /** Factor on recorded times: 1 as recorded, 0 at once. Silences of faults stay as they are. */
  pace?: number;
}

export interface Stage {
  answer(asked: Asked): Promise<Plan>;
  /** Forgets sessions, histories and how often a scenario was asked. */
  reset(): void;
}

/** Every route of the proxy: method and path, session ids and tools' names as `:name`. */
export const ROUTES: [method: string, path: string][];

export function createStage(catalogue: Catalogue, options?: StageOptions): Stage;
