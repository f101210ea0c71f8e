/** The oclif face of verbs/cgroup/stat.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/cgroup/stat.ts';

export default toCommand(verb);
