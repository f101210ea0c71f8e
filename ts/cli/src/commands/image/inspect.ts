/** The oclif face of verbs/image/inspect.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/image/inspect.ts';

export default toCommand(verb);
