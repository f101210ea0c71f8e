/** The oclif face of verbs/cgroup/rm.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/cgroup/rm.ts';

export default toCommand(verb);
