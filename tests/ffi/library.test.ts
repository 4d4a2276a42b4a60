import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

// Names and numbers below are those of the ELF specification.
const EM_X86_64 = 62;
const EM_AARCH64 = 183;
const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const DT_NEEDED = 1n;
const DT_SONAME = 14n;
const DT_FLAGS_1 = 0x6ffffffbn;
const DF_1_NODELETE = 8n;
const SHN_UNDEF = 0;

const libraries = [
  { folder: "linux-x64", machine: EM_X86_64 },
  { folder: "linux-arm64", machine: EM_AARCH64 },
];

for (const { folder, machine } of libraries) {
  const file = new URL(`../../lib/${folder}/libzerocross.so`, import.meta.url);
  const read = () => new SharedLibrary(readFileSync(file));

  test(`the library of ${folder} is for the machine that its folder names`, () => {
    assert.equal(read().machine, machine);
  });

  test(`the library of ${folder} is known to the loader by its file name`, () => {
    assert.deepEqual(read().dynamicStrings(DT_SONAME), ["libzerocross.so"]);
  });

  test(`the library of ${folder} needs no other library`, () => {
    assert.deepEqual(read().dynamicStrings(DT_NEEDED), []);
  });

  test(`the library of ${folder} stays where it is when a runtime closes it`, () => {
    assert.ok(
      read()
        .dynamicValues(DT_FLAGS_1)
        .some((flags) => flags & DF_1_NODELETE),
    );
  });

  test(`the library of ${folder} leaves no symbol for others to define`, () => {
    assert.deepEqual(read().undefinedSymbols(), []);
  });

  test(`the library of ${folder} is smaller than 112 KiB`, () => {
    assert.ok(readFileSync(file).length < 112 * 1024);
  });
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

/** As much of a little-endian 64-bit ELF file as the questions above ask for. */
class SharedLibrary {
  readonly machine: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #sections: Section[];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    assert.equal(this.#view.getUint32(0), 0x7f454c46, "not an ELF file");
    this.machine = this.#view.getUint16(18, true);
    const start = Number(this.#view.getBigUint64(40, true));
    const count = this.#view.getUint16(60, true);
    this.#sections = Array.from({ length: count }, (_, i) => this.#section(start + i * 64));
  }

  /** The strings that the entries of the dynamic section with this tag name. */
  dynamicStrings(tag: bigint): string[] {
    const { strings } = this.#table(SHT_DYNAMIC, 16);
    return this.dynamicValues(tag).map((value) => this.#string(strings, Number(value)));
  }

  dynamicValues(tag: bigint): bigint[] {
    return this.#table(SHT_DYNAMIC, 16)
      .entries.filter((at) => this.#view.getBigUint64(at, true) === tag)
      .map((at) => this.#view.getBigUint64(at + 8, true));
  }

  undefinedSymbols(): string[] {
    const { entries, strings } = this.#table(SHT_DYNSYM, 24);
    return entries
      .slice(1) // The first is a placeholder in every ELF file.
      .filter((at) => this.#view.getUint16(at + 6, true) === SHN_UNDEF)
      .map((at) => this.#string(strings, this.#view.getUint32(at, true)));
  }

  #section(at: number): Section {
    return {
      type: this.#view.getUint32(at + 4, true),
      offset: Number(this.#view.getBigUint64(at + 24, true)),
      size: Number(this.#view.getBigUint64(at + 32, true)),
      link: this.#view.getUint32(at + 40, true),
    };
  }

  /** Where the entries of the one section of this type lie, and the strings that they refer to. */
  #table(type: number, entrySize: number): { entries: number[]; strings: number } {
    const section = this.#sections.find((candidate) => candidate.type === type);
    assert.ok(section, `no section of type ${type}`);
    const strings = this.#sections[section.link];
    assert.ok(strings, `section ${section.link} is missing`);
    const count = section.size / entrySize;
    return {
      entries: Array.from({ length: count }, (_, i) => section.offset + i * entrySize),
      strings: strings.offset,
    };
  }

  #string(strings: number, offset: number): string {
    const start = strings + offset;
    return new TextDecoder().decode(this.#bytes.subarray(start, this.#bytes.indexOf(0, start)));
  }
}
