/** `ctr-ts inspect`: all that is known of containers and images, always as JSON. */

import { Container, type ContainerInfo, CtrError, Image, type ImageDetails } from '@ctr-ts/sdk';
import { inspectEach } from '../inspect-each.ts';
import { defineVerb } from '../verb.ts';
import { INSPECT_FLAGS } from './inspect.flags.ts';

export const verb = defineVerb({
  id: 'inspect',
  summary: 'show all that is known of containers and images, as JSON',
  flags: INSPECT_FLAGS,
  positionals: { usage: 'CONTAINER|IMAGE...', min: 1 },
  examples: ['inspect web', 'inspect --type image alpine'],
  async execute({ flags: { json = false, type }, positionals }, io) {
    const look = lookFor(type);
    return inspectEach(positionals, io, json, look);
  },
});

function lookFor(
  type: string | undefined,
): (name: string) => Promise<ContainerInfo | ImageDetails> {
  if (type === undefined) return either;
  if (type === 'container') return container;
  if (type === 'image') return (name) => Image.get(name);
  throw new CtrError('INVALID_ARGUMENT', `unknown type ${JSON.stringify(type)}`, {
    hint: 'types are container and image',
  });
}

async function container(name: string): Promise<ContainerInfo> {
  return (await Container.get(name)).inspect();
}

/** As docker: a container if there is one of this name, else an image. */
async function either(name: string): Promise<ContainerInfo | ImageDetails> {
  try {
    return await container(name);
  } catch (error) {
    if (!(error instanceof CtrError && error.code === 'CONTAINER_NOT_FOUND')) throw error;
    return Image.get(name).catch((reason: unknown) => {
      const missing = reason instanceof CtrError && reason.code === 'IMAGE_NOT_FOUND';
      if (!missing) throw reason;
      throw new CtrError(error.code, `no container or image ${JSON.stringify(name)}`, {
        hint: 'ctr-ts ps -a and ctr-ts images list what there is',
      });
    });
  }
}
