// The answering side of postMessage.

import { answerText } from "./payload.ts";

const here = globalThis as unknown as {
  onmessage: (event: MessageEvent<string>) => void;
  postMessage(text: string): void;
};
here.onmessage = ({ data }) => here.postMessage(answerText(data));
