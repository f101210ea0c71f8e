/** The oclif face of verbs/explain.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/explain.ts';

export default toCommand(verb);
