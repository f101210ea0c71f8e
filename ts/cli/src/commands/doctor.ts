/** The oclif face of verbs/doctor.ts. */

import { toCommand } from '../oclif/command.ts';
import { verb } from '../verbs/doctor.ts';

export default toCommand(verb);
