/** What package.json names under "ctr-ts": the commands of this plugin. */

import { which } from './which.ts';

export const commands = [which];
