/** `ctr-ts image ls`: docker's longer way to say `images`. */

import { renamed } from '../../verb.ts';
import { verb as images } from '../images.ts';

export const verb = renamed(images, 'image ls');
