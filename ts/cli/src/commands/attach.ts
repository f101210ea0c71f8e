/** The oclif face of verbs/attach.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/attach.ts';

export default toCommand(verb);
