/** The partner of this thread, started when it is first needed. */
import type { PartnerOrder, PartnerReport } from "./partner.ts";

let partner: Partner | undefined;

class Partner {
  readonly #worker = new Worker(new URL("./partner.ts", import.meta.url), { type: "module" });
  #report = Promise.withResolvers<PartnerReport>();

  constructor() {
    this.#worker.onmessage = ({ data }) => this.#report.resolve(data);
  }

  /** When it takes orders. */
  async isFree(): Promise<void> {
    const { problem } = await this.#report.promise;
    if (problem !== undefined) throw new Error(`the partner failed: ${problem}`);
  }

  tell(order: PartnerOrder): void {
    this.#report = Promise.withResolvers();
    this.#worker.postMessage(order);
  }

  end(): void {
    this.#worker.terminate();
  }
}

/** Tells the partner to open the other end. */
export async function orderPartner(order: PartnerOrder): Promise<void> {
  partner ??= new Partner();
  await partner.isFree();
  partner.tell(order);
}

/** Not before it has closed its end: what a worker leaves open when it is terminated stays open. */
export async function endPartner(): Promise<void> {
  await partner?.isFree();
  partner?.end();
  partner = undefined;
}
