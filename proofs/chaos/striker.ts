/** Signals from outside, by a shell: they come whatever the thread that tests is doing. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export class Striker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";

  constructor(script: string) {
    this.#child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
    this.#child.stdout?.on("data", (chunk) => {
      this.#output += chunk;
    });
    this.#ended = once(this.#child, "close");
  }

  /** Kills after so many milliseconds, and tells the time right before. */
  static kill(pid: number, delay: number): Striker {
    return new Striker(`sleep ${delay / 1000}; date +%s%N; kill -9 ${pid}`);
  }

  /** Stops after so many milliseconds, for so many. */
  static stop(pid: number, delay: number, duration: number): Striker {
    return new Striker(
      `sleep ${delay / 1000}; kill -STOP ${pid}; sleep ${duration / 1000}; kill -CONT ${pid}`,
    );
  }

  /** Has a process that stops itself go on, again and again, every so many milliseconds. */
  static wake(pid: number, interval: number): Striker {
    return new Striker(`while sleep ${interval / 1000}; do kill -CONT ${pid} || exit; done`);
  }

  /** Signals that these processes handle, thousands a second, until it is ended. */
  static storm(...pids: number[]): Striker {
    const burst = `kill -USR2 ${pids.join(" ")} || exit; `.repeat(20);
    return new Striker(`while sleep 0.001; do ${burst} done`);
  }

  /** Milliseconds of Date.now() right before the kill; undefined when it did not come to that. */
  async end(): Promise<number | undefined> {
    this.#child.kill("SIGKILL");
    await this.#ended;
    return this.#output === "" ? undefined : Number(this.#output) / 1e6;
  }
}
