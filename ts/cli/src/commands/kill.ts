/** The oclif face of verbs/kill.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/kill.ts';

export default toCommand(verb);
