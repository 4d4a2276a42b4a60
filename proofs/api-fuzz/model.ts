/** What a channel has to do, in its simplest form: a queue, and who has closed. */
import assert from "node:assert/strict";

export interface Sent {
  readonly bytes: Uint8Array;
  readonly typeId: number;
}

export class ChannelModel {
  /** The consumer can have these. */
  readonly published: Sent[] = [];
  /** The consumer has these with the next publication. */
  readonly staged: Sent[] = [];
  producerClosed = false;
  consumerClosed = false;
  /** Somebody wrote over the shared memory: whatever comes of it, the process lives. */
  tainted = false;
  /** The consumer has found nothing, and so has released everything. */
  isKnownEmpty = true;
  messagesSent = 0;
  bytesSent = 0;
  messagesReceived = 0;
  bytesReceived = 0;

  send(bytes: Uint8Array, typeId: number): void {
    this.stage(bytes, typeId);
    this.publish();
  }

  stage(bytes: Uint8Array, typeId: number): void {
    // Not -0.
    this.staged.push({ bytes, typeId: typeId + 0 });
    this.messagesSent += 1;
    this.bytesSent += bytes.length;
    this.isKnownEmpty = false;
    if (this.staged.length === 32) this.publish();
  }

  publish(): void {
    this.published.push(...this.staged.splice(0));
  }

  /** Some message was received, of which not everything needs to be known. */
  receive({ bytes, typeId, size }: { bytes?: Uint8Array; typeId?: number; size?: number }): void {
    if (this.tainted) return;
    // What was staged may have been published by an attempt that found the ring full.
    if (this.published.length === 0) this.publish();
    const expected = this.published.shift();
    assert.ok(expected, "a message was received that nobody sent");
    this.messagesReceived += 1;
    this.bytesReceived += expected.bytes.length;
    if (typeId !== undefined) assert.equal(typeId, expected.typeId, "the type of a message");
    if (size !== undefined) assert.equal(size, expected.bytes.length, "the size of a message");
    if (bytes === undefined) return;
    assert.equal(Buffer.compare(bytes, expected.bytes), 0, "the bytes of a message");
  }

  /** The consumer was told that nothing is there. */
  receiveNothing(): void {
    if (this.tainted) return;
    assert.equal(this.published.length, 0, "a published message was not received");
    this.isKnownEmpty = this.staged.length === 0;
  }

  /** The consumer was told that the producer closed, and that everything was delivered. */
  receiveEnd(): void {
    if (this.tainted) return;
    assert.ok(this.producerClosed, "the end came before the producer closed");
    assert.equal(this.published.length, 0, "the end came before the last message");
  }

  closeProducer(): void {
    this.publish();
    this.producerClosed = true;
  }
}
