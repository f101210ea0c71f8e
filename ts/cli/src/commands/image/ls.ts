/** The oclif face of verbs/image/ls.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/image/ls.ts';

export default toCommand(verb);
