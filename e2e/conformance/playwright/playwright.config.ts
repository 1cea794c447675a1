import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  outputDir: process.env.OUTPUT_DIR,
  reporter: "line",
  workers: 1,
  use: {
    baseURL: process.env.APP_URL,
    launchOptions: { executablePath: process.env.CHROMIUM, args: (process.env.CHROMIUM_ARGUMENTS ?? "").split(" ") },
  },
});
