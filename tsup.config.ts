import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts"],
  format: "esm",
  platform: "node",
  target: "esnext",
  external: ["bun:ffi"],
  // Deno knows the built-in modules by their `node:` names only.
  removeNodeProtocol: false,
  // tsup sets `baseUrl` for the types, which TypeScript 6 takes only under protest.
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  clean: true,
});
