/** Bytes of the largest document that is taken. */
export const documentSizeMax = 1024 * 1024;

/** A message may have half of the ring, and HTML is larger than its Markdown. */
export const ringCapacity = 8 * documentSizeMax;
