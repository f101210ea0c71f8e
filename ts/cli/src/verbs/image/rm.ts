/** `ctr-ts image rm`: docker's longer way to say `rmi`. */

import { renamed } from '../../verb.ts';
import { verb as rmi } from '../rmi.ts';

export const verb = renamed(rmi, 'image rm');
