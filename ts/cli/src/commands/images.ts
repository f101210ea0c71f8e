/** The oclif face of verbs/images.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/images.ts';

export default toCommand(verb);
