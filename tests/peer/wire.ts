/**
 * The wire, typed in from its description (docs/wire.md) and from nothing else. This file shares no line
 * with the library that it checks: where the two disagree, one of them has misread the description.
 */

export type Wire = 2 | 3 | 4;

export const magic = 0x54414348;
export const alignment = 64;
export const controlSize = 768;

export const offsets = {
  magic: 0,
  version: 4,
  capacity: 8,
  alignment: 12,
  state: 16,
  head: 128,
  laneHead: 136,
  laneSize: 144,
  laneTypeId: 148,
  laneCorrelationId: 152,
  lanePayload: 160,
  producerAbilities: 192,
  tail: 256,
  producerParked: 264,
  consumerAbilities: 268,
  consumerSleeping: 384,
  producerHeartbeat: 512,
  consumerHeartbeat: 640,
} as const;

export const states = {
  uninitialised: 0,
  initialising: 1,
  ready: 2,
  disconnected: 3,
  fatal: 4,
} as const;

export const sleeping = { awake: 0, asleep: 1, never: 2 } as const;

/** The bits of both words of abilities: of a consumer what it takes, of a producer what it sends. */
export const abilities = {
  repliesInAnyOrder: 1 << 0,
  packedRecords: 1 << 1,
  failedReplies: 1 << 2,
} as const;

export const flags = { rpc: 1 << 0 } as const;

/** The size field of a header line that only says: go on at the start of the ring. */
export const skipSize = 0xffffffff;
/** The type of a record whose payload is a run of packed messages. */
export const packedTypeId = 0xffffffff;
/** The type of a reply whose payload is the message of an error, from a callee that declared so. */
export const failedTypeId = 0xfffffffe;
/** The largest payload that travels in the express lane. */
export const laneSizeMax = 32;

export interface Handshake {
  magic: number;
  version: number;
  capacity: number;
  shmSize: number;
  capacityRev: number;
  shmSizeRev: number;
  alignment: number;
  flags: number;
}

/** The order of the fields on the wire, each a u32. */
const handshakeFields: Record<Wire, readonly (keyof Handshake)[]> = {
  2: ["magic", "version", "capacity", "shmSize", "alignment"],
  3: ["magic", "version", "capacity", "shmSize", "alignment"],
  4: ["magic", "version", "capacity", "shmSize", "capacityRev", "shmSizeRev", "alignment", "flags"],
};

export function handshakeSize(wire: Wire): number {
  return handshakeFields[wire].length * 4;
}

/** The handshake that an honest listener sends; a second capacity makes it an offer of RPC. */
export function honestHandshake(wire: Wire, capacity: number, capacityRev = 0): Handshake {
  return {
    magic,
    version: wire,
    capacity,
    shmSize: controlSize + capacity,
    capacityRev,
    shmSizeRev: capacityRev === 0 ? 0 : controlSize + capacityRev,
    alignment,
    flags: capacityRev === 0 ? 0 : flags.rpc,
  };
}

/** Encodes in the layout of `wire`, whatever the version field says, so that the field can lie. */
export function encodeHandshake(wire: Wire, handshake: Handshake): Uint8Array {
  const bytes = new Uint8Array(handshakeSize(wire));
  const view = new DataView(bytes.buffer);
  handshakeFields[wire].forEach((field, i) => {
    view.setUint32(i * 4, handshake[field], true);
  });
  return bytes;
}

/** The wire that the first bytes of a handshake announce; undefined while they are too few. */
export function announcedWire(bytes: Uint8Array): Wire | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(4, true);
  if (view.getUint32(0, true) !== magic) throw new Error("the handshake has another magic");
  if (version !== 2 && version !== 3 && version !== 4) {
    throw new Error(`the handshake has version ${version}`);
  }
  return version;
}

export function decodeHandshake(bytes: Uint8Array): Handshake {
  const wire = announcedWire(bytes);
  if (wire === undefined || bytes.length !== handshakeSize(wire)) {
    throw new Error(`a handshake of ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const handshake = { ...honestHandshake(wire, 0), shmSize: 0 };
  handshakeFields[wire].forEach((field, i) => {
    handshake[field] = view.getUint32(i * 4, true);
  });
  return handshake;
}

export interface RecordHeader {
  size: number;
  typeId: number;
  reserved: number;
  correlationId: bigint;
}

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** The ring space that a record takes: its header's line and its payload's. */
export function recordSize(payloadSize: number): number {
  return alignment + roundUp(payloadSize, alignment);
}

/** The largest message that fits from any position of the ring. */
export function maxMessageSize(capacity: number): number {
  return capacity / 2 - 64;
}

/** Fills the whole header line; what the table leaves out is zero. */
export function encodeHeader(header: RecordHeader): Uint8Array {
  const bytes = new Uint8Array(alignment);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, header.size, true);
  view.setUint32(4, header.typeId, true);
  view.setUint32(8, header.reserved, true);
  view.setBigUint64(16, header.correlationId, true);
  return bytes;
}

export function decodeHeader(view: DataView, offset: number): RecordHeader {
  return {
    size: view.getUint32(offset, true),
    typeId: view.getUint32(offset + 4, true),
    reserved: view.getUint32(offset + 8, true),
    correlationId: view.getBigUint64(offset + 16, true),
  };
}

/** The line that sends a consumer to the start of the ring. */
export const skipHeader: RecordHeader = {
  size: skipSize,
  typeId: 0,
  reserved: 0,
  correlationId: 0n,
};

export interface Entry {
  readonly bytes: Uint8Array;
  readonly typeId: number;
}

/** The payload of a packed record: entries one after the other, each padded to 8. */
export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  const size = entries.reduce((sum, entry) => sum + 8 + roundUp(entry.bytes.length, 8), 0);
  const packed = new Uint8Array(size);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const entry of entries) {
    view.setUint32(at, entry.bytes.length, true);
    view.setUint32(at + 4, entry.typeId, true);
    packed.set(entry.bytes, at + 8);
    at += 8 + roundUp(entry.bytes.length, 8);
  }
  return packed;
}

/** The entries of a packed record's payload; undefined when one of them passes its end. */
export function decodeEntries(packed: Uint8Array): Entry[] | undefined {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const entries: Entry[] = [];
  let at = 0;
  while (at < packed.length) {
    if (packed.length - at < 8) return undefined;
    const size = view.getUint32(at, true);
    if (size > packed.length - at - 8) return undefined;
    entries.push({
      bytes: packed.slice(at + 8, at + 8 + size),
      typeId: view.getUint32(at + 4, true),
    });
    at += 8 + roundUp(size, 8);
  }
  return entries;
}
