/**
 * `pullImage`, loaded when it is first called: most programs that start containers never pull, and
 * the registry client is a fifth of what this package takes to load.
 */

import type { RegistryReference } from '../registry-reference.ts';
import type { PulledImage, PullOptions } from './pull.ts';

/** As `pullImage` of pull.ts. */
export async function pullImage(
  reference: RegistryReference,
  options: PullOptions,
): Promise<PulledImage> {
  const pull = await import('./pull.ts');
  return pull.pullImage(reference, options);
}
