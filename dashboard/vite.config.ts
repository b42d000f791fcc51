import { defineConfig } from "vite";

import { licences } from "./licences";

// The address of a platform to develop against: `ZYGO_URL=http://127.0.0.1:3000 npm run dev`.
const platform = process.env.ZYGO_URL ?? "http://127.0.0.1:3000";

export default defineConfig(({ command }) => ({
  base: command === "build" ? "/dashboard/" : "/",
  plugins: [licences()],
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    // Nothing inlined: the policy of the page allows only files of its own origin.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: Object.fromEntries(
      ["/functions", "/metrics", "/logs", "/cost", "/dead-letters", "/alerts", "/marketplace", "/whoami", "/readyz", "/zygotes", "/openapi.json", "/docs", "/invocations"].map(
        (path) => [path, platform],
      ),
    ),
  },
}));
