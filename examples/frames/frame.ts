// What goes over the channel: frames, each a header and its pixels, and at the end the camera's counts
// as JSON.

export const messageType = { frame: 1, counts: 2 } as const;

export interface Counts {
  readonly taken: number;
  readonly dropped: number;
}

export const framesPerSecond = 60;

/** 256 by 256 pixels of one byte each. */
export const pixelCount = 256 * 256;

/** Where everything lies in a frame; numbers are little-endian. */
export const field = {
  /** uint32: counts all frames from 0, also those that were dropped. */
  number: 0,
  /** float64: when it was taken, in milliseconds since 1970. */
  time: 8,
  pixels: 16,
} as const;

export const frameSize = field.pixels + pixelCount;

/** Milliseconds since 1970, finer than `Date.now()`. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
