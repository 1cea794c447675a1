/** Tools that the agent asks this browser to run. */

const TOOLS = {
  get_time_zone: () => ({
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    // getTimezoneOffset counts west of Greenwich as positive.
    utc_offset_minutes: -new Date().getTimezoneOffset(),
  }),
};

/** The message that answers a tool call; an unknown tool is answered with an error, never left open. */
export function runClientTool({ toolUseId, type, name }) {
  const tool = Object.hasOwn(TOOLS, name) ? TOOLS[name] : null;
  const json = tool ? tool() : { error: `This page has no tool named ${name}.` };
  return { toolUseId, type, name, status: tool ? "success" : "error", content: [{ type: "json", json }] };
}
