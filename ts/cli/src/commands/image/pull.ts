/** The oclif face of verbs/image/pull.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/image/pull.ts';

export default toCommand(verb);
