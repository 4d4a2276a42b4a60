// Which models are checked, with which numbers, and which steps are left out to see that they matter.

/**
 * @typedef {object} Check
 * @property {string} model
 * @property {string} name
 * @property {"tso" | "weak"} memory
 * @property {string[]} flags
 * @property {string} [mutant] The step that is left out or done wrong, so that the check has to fail.
 */

/**
 * @typedef {object} Scene
 * @property {string} model
 * @property {string} name
 * @property {string[]} flags
 * @property {("tso" | "weak")[]} [memories] Both by default.
 */

const both = /** @type {const} */ (["tso", "weak"]);

/** @type {Scene[]} */
const shortScenes = [
  { model: "ring", name: "ring", flags: ["LINES=4", "MESSAGES=3"] },
  { model: "lane", name: "lane", flags: ["LINES=4", "MESSAGES=2", "BUFFER=4", "DEPTH=6"] },
  { model: "channel", name: "sleep", flags: ["LINES=1", "MESSAGES=2", "DEPTH=8"] },
  {
    model: "channel",
    name: "never sleeps",
    flags: ["LINES=1", "MESSAGES=2", "DEPTH=8", "NEVER_SLEEPS"],
  },
  {
    model: "channel",
    name: "ends",
    flags: ["LINES=1", "MESSAGES=1", "DEPTH=8", "CONSUMER_LEAVES", "KILLS"],
  },
  { model: "waiter", name: "waiter", flags: ["MESSAGES=1"], memories: ["tso"] },
  {
    model: "waiter",
    name: "waiter, loop sleeps beside",
    flags: ["MESSAGES=1", "LOOP_SLEEPS_BESIDE"],
    memories: ["tso"],
  },
];

/** @type {Scene[]} */
const longScenes = [
  { model: "ring", name: "ring", flags: ["LINES=4", "MESSAGES=4", "DEPTH=8"] },
  {
    model: "ring",
    name: "ring of 8",
    flags: ["LINES=8", "MESSAGES=3", "PER_PUBLISH=3", "DEPTH=8"],
  },
  { model: "lane", name: "lane", flags: ["LINES=4", "MESSAGES=3", "BUFFER=4", "DEPTH=6"] },
  { model: "channel", name: "sleep", flags: ["LINES=2", "MESSAGES=3", "DEPTH=8"] },
  {
    model: "channel",
    name: "sleep, signal",
    flags: ["LINES=1", "MESSAGES=2", "SIGNALS=1", "DEPTH=10"],
  },
  {
    model: "channel",
    name: "never sleeps",
    flags: ["LINES=1", "MESSAGES=3", "DEPTH=8", "NEVER_SLEEPS"],
  },
  {
    model: "channel",
    name: "ends",
    flags: ["LINES=1", "MESSAGES=2", "DEPTH=8", "CONSUMER_LEAVES", "KILLS"],
  },
  { model: "waiter", name: "waiter", flags: ["MESSAGES=2"], memories: ["tso"] },
  {
    model: "waiter",
    name: "waiter, loop sleeps",
    flags: ["MESSAGES=1", "LOOP_SLEEPS"],
    memories: ["tso"],
  },
  {
    model: "waiter",
    name: "waiter, loop sleeps beside",
    flags: ["MESSAGES=2", "LOOP_SLEEPS_BESIDE"],
    memories: ["tso"],
  },
];

const ring = { model: "ring", flags: ["LINES=4", "MESSAGES=3", "DEPTH=8"] };
const lane = { model: "lane", flags: ["LINES=4", "MESSAGES=2", "BUFFER=4", "DEPTH=6"] };
const sleep = { model: "channel", flags: ["LINES=1", "MESSAGES=2", "DEPTH=8"] };
const leaving = {
  model: "channel",
  flags: ["LINES=1", "MESSAGES=2", "DEPTH=8", "CONSUMER_LEAVES"],
};
const dying = { model: "channel", flags: ["LINES=1", "MESSAGES=1", "DEPTH=8", "KILLS"] };
const waiter = { model: "waiter", flags: ["MESSAGES=1"] };

/** @type {[{ model: string, flags: string[] }, string, readonly ("tso" | "weak")[]][]} */
const mutants = [
  [ring, "HEAD_STORE_RELAXED", ["weak"]],
  [ring, "HEAD_LOAD_RELAXED", ["weak"]],
  [ring, "TAIL_STORE_RELAXED", ["weak"]],
  [ring, "TAIL_LOAD_RELAXED", ["weak"]],
  [ring, "PUBLISH_EARLY", both],
  [ring, "RELEASE_EARLY", both],
  [ring, "NO_ROOM_FOR_SKIP", both],
  [ring, "NO_PUBLISH_WHEN_FULL", both],
  [ring, "NO_RELEASE_WHEN_EMPTY", both],
  [lane, "NO_LANE_RELEASE_FENCE", ["weak"]],
  [lane, "NO_LANE_ACQUIRE_FENCE", ["weak"]],
  [lane, "NO_LANE_HEAD_CHECK", both],
  [lane, "NO_LANE_SIZE_CHECK", both],
  [lane, "LANE_HEAD_LAST", both],
  [lane, "LANE_HEAD_FIRST", both],
  [lane, "PUBLISH_BEFORE_LANE", both],
  [sleep, "NO_SLEEP_FENCE", both],
  [sleep, "NO_WAKE_FENCE", both],
  [sleep, "NO_LOOK_AGAIN", both],
  [sleep, "NO_STATE_LOOK_AGAIN", both],
  [sleep, "NO_TAKE_BACK", both],
  [sleep, "NO_WAKE_WHEN_FULL", both],
  [sleep, "NO_WAKE_ON_RELEASE", both],
  [sleep, "NO_RELEASE_WHEN_EMPTY", both],
  [sleep, "SLEEPS_ALL_THE_SAME", both],
  [sleep, "NO_LAST_LOOK", both],
  [sleep, "STATE_STORE_RELAXED", ["weak"]],
  [sleep, "STATE_LOAD_RELAXED", ["weak"]],
  [sleep, "CLOSE_EARLY", both],
  [sleep, "NO_END_WAKES_CONSUMER", both],
  [leaving, "NO_END_WAKES_PRODUCER", both],
  [leaving, "NO_END_FENCE", ["weak"]],
  [leaving, "CLOSE_STORES", both],
  [dying, "NO_TIMEOUT", both],
  [dying, "NO_PEER_CHECK", both],
  [{ ...dying, flags: [...dying.flags, "CONSUMER_LEAVES"] }, "NO_STATE_LOOK_AT_DEATH", both],
  [waiter, "NO_LOOK_FENCE", ["tso"]],
  [waiter, "NO_LOOK", ["tso"]],
  [waiter, "NO_LOOK_AT_STATE", ["tso"]],
  [waiter, "NO_RING_ON_ARM", ["tso"]],
  [waiter, "NO_RING_ON_DISARM", ["tso"]],
  [waiter, "BELL_NOT_TAKEN_BACK", ["tso"]],
  [waiter, "BED_AFTER_UNLOCK", ["tso"]],
  [{ ...waiter, flags: [...waiter.flags, "LOOP_SLEEPS"] }, "WAKE_ONE", ["tso"]],
  [{ ...waiter, flags: [...waiter.flags, "LOOP_SLEEPS_BESIDE"] }, "NO_SET_ASIDE", ["tso"]],
  [{ ...waiter, flags: [...waiter.flags, "LOOP_SLEEPS_BESIDE"] }, "NO_RING_ON_SET_ASIDE", ["tso"]],
];

/**
 * The short plan has no mutants: to make a program of each takes longer than to run it.
 *
 * @param {boolean} isShort
 * @returns {Check[]}
 */
export function planChecks(isShort) {
  const whole = (isShort ? shortScenes : longScenes).flatMap(
    ({ model, name, flags, memories = both }) =>
      memories.map((memory) => ({ model, name, memory, flags })),
  );
  if (isShort) return whole;
  const broken = mutants.flatMap(([{ model, flags }, mutant, memories]) =>
    memories.map((memory) => ({ model, name: model, memory, flags, mutant })),
  );
  return [...whole, ...broken];
}
