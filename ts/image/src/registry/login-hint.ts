/** What somebody can do whom a registry does not know. */

import type { Credentials, KeptByHelper } from './credentials.ts';

/** `found` is what is known for the registry. */
export function loginHint(registry: string, found: Credentials | KeptByHelper | undefined): string {
  const orNothing = 'a repository that does not exist can look like this too';
  if (found !== undefined && 'helper' in found) {
    // Logging in again with docker would change nothing.
    return `${found.helper} keeps docker's credentials and is not asked yet: podman login --authfile FILE ${registry}, then set REGISTRY_AUTH_FILE=FILE; ${orNothing}`;
  }
  return `log in with podman login ${registry} or docker login ${registry}; ${orNothing}`;
}
