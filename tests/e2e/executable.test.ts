/** The executable as a file: what it would load, and from where. */
import { readFileSync } from 'node:fs';

import { paths } from '@ctr-ts/dev/repository';
import { expect, test } from 'vitest';

const PT_INTERP = 3;

/** Types of the program headers of a 64-bit little-endian ELF file, elf(5). */
function segmentTypes(file: Buffer): number[] {
  const offset = Number(file.readBigUInt64LE(0x20));
  const size = file.readUInt16LE(0x36);
  const count = file.readUInt16LE(0x38);
  return Array.from({ length: count }, (_, index) => file.readUInt32LE(offset + index * size));
}

test('the executable names no program interpreter: it loads no library, least of all an image’s', () => {
  const file = readFileSync(paths.runtimeLink);
  expect(file.subarray(0, 5)).toEqual(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2]));
  expect(segmentTypes(file)).not.toContain(PT_INTERP);
});

test('nothing of the name service or the resolver is in the executable', () => {
  const text = readFileSync(paths.runtimeLink, 'latin1');
  // What they would look for before they load their modules. (iconv's gconv-modules is in every
  // static program of glibc, by way of its stdio, which Rust does not use.)
  for (const trace of ['/etc/nsswitch.conf', 'libnss_', '/etc/resolv.conf']) {
    expect(text.includes(trace), trace).toBe(false);
  }
});
