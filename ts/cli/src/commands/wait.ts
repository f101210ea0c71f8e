/** The oclif face of verbs/wait.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/wait.ts';

export default toCommand(verb);
