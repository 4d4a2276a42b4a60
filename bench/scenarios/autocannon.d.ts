/** What load.mjs uses of autocannon, which comes without types. */
declare module "autocannon" {
  interface Options {
    readonly url: string;
    readonly connections: number;
    readonly duration: number;
    readonly expectBody: string;
  }

  interface Result {
    readonly errors: number;
    readonly non2xx: number;
    readonly mismatches: number;
    readonly duration: number;
  }

  interface Run extends PromiseLike<Result> {
    on(
      event: "response",
      listener: (client: unknown, status: number, bytes: number, time: number) => void,
    ): void;
  }

  export default function autocannon(options: Options): Run;
}
