/** The oclif face of verbs/cgroup/tree.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/cgroup/tree.ts';

export default toCommand(verb);
