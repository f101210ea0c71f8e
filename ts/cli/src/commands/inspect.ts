/** The oclif face of verbs/inspect.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/inspect.ts';

export default toCommand(verb);
