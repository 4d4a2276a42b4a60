import type { symbols } from "./table.ts";

type Native = {
  readonly u32: number;
  readonly i32: number;
  readonly f64: number;
  readonly buffer: ArrayBufferView;
  readonly void: undefined;
};

type Parameters<Names extends readonly (keyof Native)[]> = {
  -readonly [Index in keyof Names]: Native[Names[Index]];
};

/** The calls of the native library, typed by the table that was printed from its source. */
export type Calls = {
  readonly [Name in keyof typeof symbols]: (
    ...args: Parameters<(typeof symbols)[Name]["parameters"]>
  ) => Native[(typeof symbols)[Name]["result"]];
};

/** What a runtime makes of the shared library. One file per runtime implements it. */
export interface Library {
  readonly calls: Calls;

  /**
   * An ArrayBuffer over native memory. When it was collected, `view` is dropped.
   *
   * @throws when the runtime's permissions forbid raw views.
   */
  bufferAt(address: number, size: number, view: number): ArrayBuffer;

  /** To be called when the channel behind such a buffer was closed. */
  buffersChannelClosed(buffer: ArrayBuffer): void;
}
