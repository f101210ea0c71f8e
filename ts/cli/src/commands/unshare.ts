/** The oclif face of verbs/unshare.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/unshare.ts';

export default toCommand(verb);
