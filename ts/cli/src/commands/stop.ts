/** The oclif face of verbs/stop.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/stop.ts';

export default toCommand(verb);
