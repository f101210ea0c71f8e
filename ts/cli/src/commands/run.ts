/** The oclif face of verbs/run.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/run.ts';

export default toCommand(verb);
