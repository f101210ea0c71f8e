/** The oclif face of verbs/plugins/uninstall.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/plugins/uninstall.ts';

export default toCommand(verb);
