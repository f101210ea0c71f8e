/** The oclif face of verbs/cgroup/set.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/cgroup/set.ts';

export default toCommand(verb);
