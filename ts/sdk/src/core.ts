/** The native core as the SDK uses it: one client per JavaScript environment. */

import { type Client, client } from '@ctr-ts/native';
import type { Directories } from './paths.ts';

export type { StateEntry } from '@ctr-ts/native';

/** The native core. */
export type Core = Client;

/**
 * The core of these directories. Starts nothing.
 *
 * @throws CtrError `UNSUPPORTED_PLATFORM`, `NATIVE_NOT_FOUND`
 */
export function openCore({ runRoot }: Directories): Core {
  return client({ runRoot });
}
