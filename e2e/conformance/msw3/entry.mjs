// Resolved here, with the MSW of this folder.
export { handlers } from "@cortex-harness/msw";
export { setupServer } from "msw/node";
