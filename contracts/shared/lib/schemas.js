/** Zod schemas of everything in the API, by the names of its components: `zChatRequest`, `zChatEvent`, ... */
export * from "./generated/zod.js";
