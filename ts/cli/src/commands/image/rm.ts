/** The oclif face of verbs/image/rm.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/image/rm.ts';

export default toCommand(verb);
