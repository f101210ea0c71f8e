/** The oclif face of verbs/cgroup/attach.ts. */

import { toCommand } from '../../oclif/command.ts';
import { verb } from '../../verbs/cgroup/attach.ts';

export default toCommand(verb);
