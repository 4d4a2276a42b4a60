/** The browser's part of the page, as one script. The bench runs in Bun, which has a bundler. */
import { fileURLToPath } from "node:url";

interface Bundler {
  build(options: {
    entrypoints: string[];
    target: "browser";
    format: "iife";
    minify: boolean;
  }): Promise<{ readonly outputs: readonly { text(): Promise<string> }[] }>;
}

export async function bundleCharts(): Promise<string> {
  const { Bun } = globalThis as unknown as { Bun?: Bundler };
  if (Bun === undefined) throw new Error("the report's page is bundled by Bun: run it there");
  const { outputs } = await Bun.build({
    entrypoints: [fileURLToPath(new URL("charts/charts.ts", import.meta.url))],
    target: "browser",
    format: "iife",
    minify: true,
  });
  const script = (await outputs[0]?.text()) ?? "";
  return script.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
}
