/** The soak as a picture: what was moved, what the processes held, and how long round trips took. */
import { duration, perSecond } from "../../bench/race/report/format.ts";
import type { Percentiles } from "./latency.ts";
import { drawPanel, type Line, panelSize } from "./panel.ts";
import type { Sample } from "./processes.ts";
import type { Observed, Row } from "./soak.ts";

/** Pixels. */
const gap = 12;

/** More points in a line than these nobody can tell apart. */
const pointsMax = 40;

/** Each stands out from the surface by 3:1, in light and dark. */
const style = `
svg { --surface: #fff; --text: #1d2125; --one: #c2410c; --two: #1d4ed8; --three: #0f766e; --four: #86198f; }
@media (prefers-color-scheme: dark) {
  svg { --surface: #14171a; --text: #e6e9ec; --one: #fb923c; --two: #7aa2ff; --three: #2dd4bf; --four: #e879f9; }
}
.all { color: var(--text); font-family: system-ui, sans-serif; }
.surface { fill: var(--surface); }`;
const colours = ["var(--one)", "var(--two)", "var(--three)", "var(--four)"];
const runtimeColours = { bun: "var(--one)", deno: "var(--two)" };

/** Loads whose messages are of one order. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  batches: ["stream-to-deno", "stream-to-bun"],
  "RPC, serve": ["rpc", "serve-bun", "serve-deno", "visitors"],
  channels: ["sync", "async", "large", "reopen", "ping"],
  "fan-in": ["fan-in"],
};

export function drawChart(observed: Observed): string {
  const rows = thinned(observed.rows);
  const minutes = observed.seconds / 60;
  const panels = [
    drawPanel(rates(rows), {
      title: "Messages checked each second",
      minutes,
      log: true,
      format: (rate) => perSecond(rate).replace(/\.0+(?=\D)/, ""),
    }),
    drawPanel(roundTrips(observed), {
      title: "Round trips: p50, p99 dashed",
      minutes,
      log: true,
      format: (microseconds) => duration(microseconds * 1000).replace(/\.0+(?=\D)/, ""),
    }),
    drawPanel(
      held(observed, rows, ({ rssBytes }) => rssBytes / 2 ** 20),
      {
        title: "Resident memory of each process",
        minutes,
        format: (mebibytes) => `${mebibytes} MiB`,
      },
    ),
    drawPanel(
      held(observed, rows, ({ descriptors }) => descriptors),
      {
        title: "Descriptors of each process",
        minutes,
        format: String,
      },
    ),
  ];
  return together(panels);
}

/** Two beside each other, on a surface of their own: nobody knows what is behind the picture. */
function together(panels: readonly string[]): string {
  const width = 2 * panelSize.width + 3 * gap;
  const height = 2 * panelSize.height + 3 * gap;
  const placed = panels.map((svg, index) => {
    const x = gap + (index % 2) * (panelSize.width + gap);
    const y = gap + Math.floor(index / 2) * (panelSize.height + gap);
    return `<g transform="translate(${x},${y})">${svg}</g>`;
  });
  const picture =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}" role="img"><title>The soak over time</title><style>${style}</style>` +
    `<rect class="surface" width="${width}" height="${height}" rx="6"/>` +
    `<g class="all">${placed.join("\n")}</g></svg>\n`;
  // A tenth of a pixel is as fine as anybody sees.
  return picture.replace(/\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(1))));
}

/** Those that the picture shows: evenly chosen, the last among them. */
export function thinned(rows: readonly Row[]): readonly Row[] {
  const step = Math.ceil(rows.length / pointsMax);
  return rows.filter((_, index) => (rows.length - 1 - index) % step === 0);
}

function rates(rows: readonly Row[]): Line[] {
  return Object.entries(kinds).map(([name, loads], index) => {
    const total = ({ messages }: Row) =>
      loads.reduce((sum, load) => sum + (messages[load] ?? 0), 0);
    const points = rows.slice(1).map((row, before) => {
      const { at, ...last } = rows[before] as Row;
      const value = (total(row) - total({ at, ...last })) / (row.at - at);
      return { minutes: row.at / 60, value };
    });
    // What did not move has no place on a scale of powers.
    return { name, colour: colourAt(index), points: points.filter(({ value }) => value > 0) };
  });
}

function roundTrips({ loads }: Observed): Line[] {
  const timed = loads.filter(({ windows }) => windows.length > 0);
  return timed.flatMap(({ name, windows }, index) => {
    const line = (what: "p50" | "p99", dash: string): Line => ({
      name: `${name} ${what}`,
      colour: colourAt(index),
      dash,
      points: windows.map((window: Percentiles) => {
        return { minutes: window.at / 60, value: window[what] };
      }),
    });
    return [line("p50", "none"), line("p99", "4 3")];
  });
}

function held(
  { processes }: Observed,
  rows: readonly Row[],
  figureOf: (sample: Sample) => number,
): Line[] {
  return processes.map(({ runtime }, index) => ({
    ...(processes.findIndex((process) => process.runtime === runtime) === index && {
      name: runtime === "bun" ? "Bun" : "Deno",
    }),
    colour: runtimeColours[runtime],
    points: rows.flatMap(({ at, samples }) => {
      const sample = samples[index];
      return sample === undefined ? [] : [{ minutes: at / 60, value: figureOf(sample) }];
    }),
  }));
}

function colourAt(index: number): string {
  return colours[index % colours.length] as string;
}
