/** The oclif face of verbs/plugins/list.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/plugins/list.ts';

export default toCommand(verb);
