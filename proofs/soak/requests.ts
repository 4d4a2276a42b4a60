import type { RpcClient } from "../../src/index.ts";
import { answerTo } from "../../tests/peer/content.ts";
import { checkBytes, checkSmall, smallWordsMax, writeSmall } from "./content.ts";
import { patience } from "./member.ts";

/** Numbered requests of a client, each of whose replies is checked. */
export class Requests {
  readonly #client: RpcClient;
  #count = 0;

  constructor(client: RpcClient) {
    this.#client = client;
  }

  async ask(): Promise<void> {
    const number = this.#count++;
    const words = new Uint32Array(smallWordsMax);
    const request = new Uint8Array(words.buffer, 0, 4 * writeSmall(words, 0, number));
    const { bytes } = await this.#client.call(request, patience);
    checkBytes(number, answerTo(request), bytes);
  }
}

/** Throws unless `bytes` are the request whose number they carry; answers the number. */
export function checkRequest(bytes: Uint8Array): number {
  const words = new Uint32Array(bytes.slice().buffer, 0, bytes.length >> 2);
  const number = words[0] ?? 0;
  checkSmall(words, 0, bytes.length, number);
  return number;
}
