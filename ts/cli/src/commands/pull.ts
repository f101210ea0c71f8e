/** The oclif face of verbs/pull.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/pull.ts';

export default toCommand(verb);
