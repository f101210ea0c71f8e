/** The oclif face of verbs/rmi.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/rmi.ts';

export default toCommand(verb);
