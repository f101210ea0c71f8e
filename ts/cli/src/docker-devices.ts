/** Docker's notations of devices and of rules over them. */

import { type ContainerOptions, CtrError } from '@ctr-ts/sdk';

type Device = NonNullable<ContainerOptions['devices']>[number];
type Rule = NonNullable<ContainerOptions['deviceRules']>[number];

/** `SRC[:DST][:rwm]`. */
export function parseDevice(text: string): Device {
  const [source = '', second, third, ...rest] = text.split(':');
  const words = [second, third].filter((word) => word !== undefined);
  if (source === '' || rest.length > 0 || words.includes('')) throw invalid('device', text);
  if (/^[A-Za-z0-9.-]+\/[^/]+=/.test(text)) {
    throw new CtrError('NOT_YET', `device ${JSON.stringify(text)} is not there yet`, {
      hint: 'CDI names are not resolved; name the nodes: --device /dev/NAME',
    });
  }
  if (third !== undefined) return { source, target: second, access: third };
  if (second === undefined) return { source };
  // As docker: what can be a set of rights is one.
  return /^[rwm]{1,3}$/.test(second) ? { source, access: second } : { source, target: second };
}

/** `TYPE MAJOR:MINOR ACCESS`, each number may be `*`. */
export function parseDeviceRule(text: string): Rule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  const [, type, major = '', minor = '', access] = match ?? [];
  if ((type === 'a' || type === 'b' || type === 'c') && access !== undefined) {
    return { type, major: numberOf(major), minor: numberOf(minor), access };
  }
  throw invalid('device rule', text);
}

function numberOf(text: string): number | null {
  return text === '*' ? null : Number(text);
}

function invalid(what: string, text: string): CtrError {
  return new CtrError('INVALID_DEVICE', `invalid ${what} ${JSON.stringify(text)}`, {
    hint: what === 'device' ? 'write /dev/NAME[:TARGET][:rwm]' : "write 'c 10:229 rwm'",
  });
}
