/** `ctr-ts pull`: download an image. */

import { Image } from '@ctr-ts/sdk';
import { interruption } from '../interruption.ts';
import { pullPresenter } from '../present/pull.ts';
import { defineVerb } from '../verb.ts';
import { PULL_FLAGS } from './pull.flags.ts';

export const verb = defineVerb({
  id: 'pull',
  summary: 'download an image from a registry',
  flags: PULL_FLAGS,
  positionals: { usage: 'IMAGE', min: 1, max: 1 },
  examples: ['pull alpine', 'pull --platform linux/arm64 -q ghcr.io/owner/name:tag'],
  async execute({ flags: { json, platform, quiet }, positionals: [reference = ''] }, io) {
    const progress = quiet ? undefined : pullPresenter(io);
    using interrupted = interruption(io);
    try {
      const result = await Image.pull(reference, {
        platform,
        signal: interrupted.signal,
        onEvent: (event) => progress?.take(event),
      });
      if (json) io.printJson(result);
      else io.print(result.reference);
      return 0;
    } catch (error) {
      progress?.close();
      return interrupted.exitCode(error);
    }
  },
});
