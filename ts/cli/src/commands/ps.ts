/** The oclif face of verbs/ps.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/ps.ts';

export default toCommand(verb);
