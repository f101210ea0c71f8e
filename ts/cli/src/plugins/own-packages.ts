/**
 * Gives plugins our own copy of our packages, wherever the plugin is: a process can hold one
 * native core and one owner of its containers, and `instanceof CtrError` needs one class. An
 * installed plugin has no copy, a linked one has its author's in node_modules; neither is looked at.
 */

import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

let shared = false;

/** From now on `import` and `require` of our packages mean ours. Only this thread: not in workers. */
export function shareOwnPackages(): void {
  if (shared) return;
  shared = true;
  // ORDER: resolved before the hook is there, which would be asked about them too.
  const ours = ownUrls();
  registerHooks({
    resolve(specifier, context, next) {
      const url = ours.get(specifier);
      // Not by another parentURL: require() does not look at that.
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
  });
}

/** What our packages export, by specifier; what the SDK uses is the SDK's to choose. */
function ownUrls(): Map<string, string> {
  const here = createRequire(import.meta.url);
  const sdk = createRequire(here.resolve('@ctr-ts/sdk'));
  const packages: readonly [string, NodeJS.Require][] = [
    ['@ctr-ts/plugin', here],
    ['@ctr-ts/sdk', here],
    ['@ctr-ts/image', sdk],
    ['@ctr-ts/native', sdk],
  ];
  return new Map(
    packages
      .flatMap(([name, require]) =>
        [name, `${name}/package.json`].map((specifier) => [specifier, require] as const),
      )
      .map(([specifier, require]) => [specifier, pathToFileURL(require.resolve(specifier)).href]),
  );
}
