import { defineConfig } from "tsup";

export default defineConfig({
  entry: { index: "src/index.ts", "bun-waiter": "ffi/bun-waiter.ts" },
  // Both stand alone: the second is a worker, and has nothing in common with the first but the table.
  splitting: false,
  format: "esm",
  platform: "node",
  target: "esnext",
  external: ["bun:ffi"],
  // Deno knows the built-in modules by their `node:` names only.
  removeNodeProtocol: false,
  // tsup sets `baseUrl` for the types, which TypeScript 6 takes only under protest.
  dts: { entry: "src/index.ts", compilerOptions: { ignoreDeprecations: "6.0" } },
  clean: true,
});
