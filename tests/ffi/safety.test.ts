/** What is shipped ends its process where one of its own assertions fails, and does not go on undefined. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

for (const platform of ["linux-x64", "linux-arm64"]) {
  test(`the library for ${platform} has its assertions`, () => {
    const file = readFileSync(new URL(`../../lib/${platform}/libzerocross.so`, import.meta.url));
    // Nothing else in the library says so, and without assertions nothing calls what does.
    assert.ok(file.includes("This is a bug in zerocross: please report it."));
    assert.ok(file.includes("integer overflow"));
  });
}
