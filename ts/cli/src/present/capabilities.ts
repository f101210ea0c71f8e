/** Capability masks as names. */

import { CAPABILITIES } from '@ctr-ts/sdk';

/** The names of a mask's bits, capabilities(7) order. */
export function capabilityNames(mask: number): string[] {
  // Masks have 41 bits and more: bit operators of numbers would cut them at 32.
  const bits = BigInt(mask);
  const known = CAPABILITIES.filter((_, bit) => (bits >> BigInt(bit)) & 1n);
  return known.length === CAPABILITIES.length ? ['all'] : [...known];
}
