/** What an exec asks of the native core. */

import type { Core } from './core.ts';
import { hostFacts } from './host.ts';
import type { ExecOptions, ProcessOptions } from './options.ts';
import type { ContainerRecord } from './record.ts';
import { buildExecProcess, withHome } from './spec.ts';
import { terminalSize, withTerminal } from './terminal.ts';

/** ctr-spec's ExecRequest: the container's own process with what the caller changes. */
export async function execRequest(
  core: Core,
  record: ContainerRecord,
  command: readonly string[],
  options: ExecOptions & Pick<ProcessOptions, 'terminal'>,
): Promise<unknown> {
  const host = await hostFacts(core);
  const process = buildExecProcess(record.process, command, options, host);
  const user = options.user ?? record.user ?? undefined;
  return {
    process: withTerminal(
      { ...process, env: withHome(process.env, user) },
      terminalSize(options.terminal),
    ),
    program: 'command',
    ...(user === undefined ? {} : { user }),
    groups: record.settings?.groupAdd ?? [],
    seccomp: options.privileged === true ? { kind: 'unconfined' } : record.seccomp,
  };
}
