/** The oclif face of verbs/plugins/install.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/plugins/install.ts';

export default toCommand(verb);
