/** The oclif face of verbs/plugins/link.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/plugins/link.ts';

export default toCommand(verb);
