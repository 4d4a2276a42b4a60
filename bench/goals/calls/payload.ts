// What is asked and answered: 32 bytes each way. An answer differs from its request, and every byte
// of it is compared with what it should be.

export const payloadSize = 32;
const words = new Uint32Array(payloadSize / 4);
const scratch = new Uint8Array(words.buffer);

/** The request with this number; the same memory every time. */
export function request(index: number): Uint8Array<ArrayBuffer> {
  for (let word = 0; word < words.length; word++) words[word] = index + word;
  return scratch;
}

/** Makes the answer out of the request, in place. */
export function answer<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
  const last = payloadSize - 1;
  if (bytes.length === payloadSize) bytes[last] = ~(bytes[last] as number);
  return bytes;
}

/** @throws when `bytes` is not the answer to this request. */
export function checkAnswer(bytes: Uint8Array, index: number): void {
  const expected = answer(request(index));
  let bits = bytes.length ^ payloadSize;
  for (let i = 0; i < payloadSize; i++) bits |= (bytes[i] as number) ^ (expected[i] as number);
  if (bits !== 0) throw new Error(`the answer to request ${index} is ${bytes.join(" ")}`);
}

// The mechanisms that carry values rather than bytes get 32 characters: their fastest form.

export function requestText(index: number): string {
  return index.toString(16).padStart(payloadSize, "0");
}

export function answerText(text: string): string {
  return `!${text.slice(1)}`;
}

/** @throws when `text` is not the answer to this request. */
export function checkAnswerText(text: unknown, index: number): void {
  if (text === answerText(requestText(index))) return;
  throw new Error(`the answer to request ${index} is ${String(text)}`);
}
