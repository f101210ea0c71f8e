/** The oclif face of verbs/rm.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/rm.ts';

export default toCommand(verb);
