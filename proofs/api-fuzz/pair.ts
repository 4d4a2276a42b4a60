/** Both ends of a channel in this thread, the model of it, and the views of it that were kept. */
import assert from "node:assert/strict";
import type { Batch, Consumer, Producer, Slot } from "../../src/index.ts";
import type { Judgement, Reasons } from "./judge.ts";
import { ChannelModel } from "./model.ts";

export type Side = "producer" | "consumer";

/** A view that outlives what it shows. */
export interface KeptView {
  readonly bytes: Uint8Array;
  readonly side: Side;
  /** Zeros are not to be expected any more: it was written into, or its buffer was moved. */
  isOwn: boolean;
}

export class Pair {
  readonly producer: Producer;
  readonly consumer: Consumer;
  readonly model = new ChannelModel();
  readonly views: KeptView[] = [];
  /** The slot and the batch that were lent last, and whether they are open. */
  slot: Slot | undefined;
  isSlotOpen = false;
  claimed = 0;
  batch: Batch | undefined;
  isBatchOpen = false;
  /** The buffers of these sides were transferred away. */
  readonly detached = new Set<Side>();
  iterator: AsyncIterator<unknown> | undefined;
  isIterating = false;

  constructor(producer: Producer, consumer: Consumer) {
    this.producer = producer;
    this.consumer = consumer;
  }

  reasons(side: Side, args: Judgement = "right"): Reasons {
    const { producerClosed, consumerClosed, tainted } = this.model;
    const isProducer = side === "producer";
    return {
      args,
      closed: isProducer ? producerClosed : consumerClosed,
      peerClosed: isProducer && consumerClosed,
      slotOpen: isProducer && this.isSlotOpen,
      batchOpen: !isProducer && this.isBatchOpen,
      tainted,
      detached: this.detached.has(side),
    };
  }

  /** Whether nothing can be sent at all. */
  get isSendingOver(): boolean {
    const { producerClosed, consumerClosed, tainted } = this.model;
    return producerClosed || this.isSlotOpen || (consumerClosed && !tainted);
  }

  /** Whether nothing can be received at all. */
  get isReceivingOver(): boolean {
    return this.model.consumerClosed || this.isBatchOpen;
  }

  close(side: Side): void {
    this[side].close();
    this.noteClosed(side);
  }

  noteClosed(side: Side): void {
    if (side === "producer") {
      if (!this.model.producerClosed) this.model.closeProducer();
      this.isSlotOpen = false;
    } else {
      this.model.consumerClosed = true;
      this.isBatchOpen = false;
    }
  }

  isClosed(side: Side): boolean {
    return side === "producer" ? this.model.producerClosed : this.model.consumerClosed;
  }

  /** Somebody writes over the memory, of whichever side. */
  taint(): void {
    this.model.tainted = true;
    this.disown("producer");
    this.disown("consumer");
  }

  /** No view of this side has to show zeros any more. */
  disown(side: Side): void {
    for (const view of this.views) if (view.side === side) view.isOwn = true;
  }

  keep(side: Side, bytes: Uint8Array): void {
    this.views.push({ bytes, side, isOwn: false });
  }

  /** Reads all that was kept: nothing faults, and what was closed shows zeros. */
  checkViews(): void {
    for (const { bytes, side, isOwn } of this.views) {
      // Of a buffer that was transferred.
      if (bytes.length === 0) continue;
      const sum = bytes.reduce((all, byte) => all | byte, 0);
      if (this.isClosed(side) && !isOwn)
        assert.equal(sum, 0, "a view kept past close does not show zeros");
    }
  }

  /** Everything that was published must still come, and then the end. */
  drainAndClose(): void {
    if (this.isBatchOpen && !this.model.consumerClosed) this.batch?.release();
    this.isBatchOpen = false;
    this.close("producer");
    if (!this.model.consumerClosed && !this.model.tainted) {
      for (let next = this.consumer.tryReceive(); next; next = this.consumer.tryReceive()) {
        this.model.receive(next);
      }
      assert.equal(this.consumer.tryReceive(), null, "the end of a closed channel");
      this.model.receiveEnd();
    }
    this.close("consumer");
  }
}
