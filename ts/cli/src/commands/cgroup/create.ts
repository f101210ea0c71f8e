/** The oclif face of verbs/cgroup/create.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/cgroup/create.ts';

export default toCommand(verb);
