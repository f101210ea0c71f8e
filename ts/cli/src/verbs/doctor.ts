/** `ctr-ts doctor`: what this machine can do, and what to do about what it cannot. */

import { doctor } from '@ctr-ts/sdk';
import { presentDoctor } from '../present/doctor.ts';
import { EXIT_OURS } from '../report.ts';
import { defineVerb } from '../verb.ts';
import { DOCTOR_FLAGS } from './doctor.flags.ts';

export const verb = defineVerb({
  id: 'doctor',
  summary: 'say what this machine can do',
  flags: DOCTOR_FLAGS,
  positionals: { usage: '', min: 0, max: 0 },
  examples: ['doctor', 'doctor --json'],
  async execute({ flags }, io) {
    const report = await doctor();
    if (flags.json) io.printJson(report);
    else io.print(presentDoctor(report, io));
    return report.ok ? 0 : EXIT_OURS;
  },
});
