/** The oclif face of verbs/version.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/version.ts';

export default toCommand(verb);
