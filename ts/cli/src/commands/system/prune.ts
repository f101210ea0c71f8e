/** The oclif face of verbs/system/prune.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/system/prune.ts';

export default toCommand(verb);
