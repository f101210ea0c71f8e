/** `ctr-ts image pull`: docker's longer way to say `pull`. */

import { renamed } from '../../verb.ts';
import { verb as pull } from '../pull.ts';

export const verb = renamed(pull, 'image pull');
