/** System call filters, one row for each group of calls with its reason. */

import type { Plan } from '@ctr-ts/sdk';
import type { Cells, Section } from './sections.ts';

type Filter = NonNullable<Plan['process']['seccomp']>;
type Rule = Filter['rules'][number];

const OPERATORS: Readonly<Record<string, string>> = {
  notEqual: '!=',
  lessThan: '<',
  lessOrEqual: '<=',
  equal: '==',
  greaterOrEqual: '>=',
  greaterThan: '>',
};

/** The filter's groups; a container without one says so. */
export function seccompSection(filter: Filter | null): Section {
  const heading = ['reason', 'system calls'] as const;
  if (filter === null) {
    return { title: 'seccomp', heading, rows: [['unconfined', 'no filter', 'every call']] };
  }
  const last: Cells = [actionName(filter.defaultAction), 'not named above', 'every other call'];
  return { title: 'seccomp', heading, rows: [...filter.rules.map(ruleRow), last] };
}

function ruleRow({ action, args, names, reason }: Rule): Cells {
  const conditions = args.map(condition).join(' and ');
  const calls = `${names.length}: ${names.join(' ')}`;
  return [actionName(action), reason, conditions === '' ? calls : `${calls} when ${conditions}`];
}

function condition({ index, op, value, valueTwo }: Rule['args'][number]): string {
  if (op === 'maskedEqual') return `arg${index} & ${hex(value)} == ${hex(valueTwo)}`;
  return `arg${index} ${OPERATORS[op] ?? op} ${hex(value)}`;
}

function actionName({ kind, value }: Filter['defaultAction']): string {
  return value === undefined ? kind : `${kind} ${value}`;
}

function hex(value: number): string {
  return value < 10 ? String(value) : `0x${value.toString(16)}`;
}
