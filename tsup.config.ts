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
  plugins: [
    {
      // A class that names itself comes out as `var Name = class _Name`, and _Name is what error traces
      // and inspection would show. esbuild's own remedy costs a call for every function that is made.
      name: "class names",
      renderChunk(code) {
        const names = [...code.matchAll(/\bvar (\w+) = class _\1\b/g)].map((match) => match[1]);
        return { code: code.replace(new RegExp(`\\b_(${names.join("|")})\\b`, "g"), "$1") };
      },
    },
  ],
});
