/** The oclif face of verbs/exec.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/exec.ts';

export default toCommand(verb);
