/** Our flag tables in oclif's terms, for help, manifest and completion. oclif never parses them. */

import { Flags, type Interfaces } from '@oclif/core';
import type { Flag, FlagTable } from '../flags.ts';

type OclifFlag = Interfaces.FlagInput[string];
type Char = NonNullable<OclifFlag['char']>;

/** One oclif flag per row. */
export function toOclif(table: FlagTable): Interfaces.FlagInput {
  return Object.fromEntries(table.map((flag) => [flag.name, toOclifFlag(flag)]));
}

function toOclifFlag(flag: Flag): OclifFlag {
  const { aliases = [], help, metavar, multiple = false, notYet, short, type } = flag;
  const shared = {
    summary: help,
    aliases: [...aliases],
    // They are parsed so that they can say what to do instead; help shows what works.
    hidden: notYet !== undefined,
    // Every short flag of the tables is one letter; a test checks it.
    ...(short === undefined ? {} : { char: short as Char }),
  };
  if (type === 'boolean') return Flags.boolean(shared);
  const option = { ...shared, helpValue: metavar ?? 'VALUE' };
  return multiple
    ? Flags.string({ ...option, multiple: true, multipleNonGreedy: true })
    : Flags.string(option);
}
