/** The `WWW-Authenticate` header (RFC 9110, 11.6.1), parsed strictly. */

/** One challenge; names in lower case. */
export interface Challenge {
  scheme: string;
  parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const SCHEME = new RegExp(`(${TOKEN})`, 'y');
const PARAMETER = new RegExp(
  `[ \\t]*(${TOKEN})[ \\t]*=[ \\t]*(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")`,
  'y',
);
const SPACES = /[ \t]+/y;
const COMMAS = /[ \t]*(?:,[ \t]*)+/y;
const MAX_LENGTH = 8192;

/** The challenges of a header; `undefined` when it does not keep to the grammar. */
export function parseChallenges(header: string): Challenge[] | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  take(COMMAS);
  while (at < header.length) {
    const scheme = take(SCHEME)?.[1];
    if (scheme === undefined) return undefined;
    const parameters: Record<string, string> = Object.create(null);
    const hasMore = take(SPACES) !== null;
    for (let more = hasMore; more; ) {
      const match = take(PARAMETER);
      if (match === null) break;
      const name = match[1]?.toLowerCase() ?? '';
      if (name in parameters) return undefined;
      parameters[name] = match[2] ?? (match[3] ?? '').replaceAll(/\\(.)/g, '$1');
      const end = at;
      more = take(COMMAS) !== null;
      // What follows the comma may be the next challenge: a token without an equals sign.
      if (more && at < header.length && !startsParameter(header, at)) more = false;
      else if (!more && end < header.length) return undefined;
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
    take(COMMAS);
  }
  return challenges;
}

function startsParameter(header: string, at: number): boolean {
  PARAMETER.lastIndex = at;
  return PARAMETER.test(header);
}
