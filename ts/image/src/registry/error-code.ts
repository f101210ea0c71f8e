/** What went wrong below an error: fetch wraps what happened, and several addresses wrap it again. */

/** The innermost code, empty where there is none. */
export function codeOf(error: unknown): string {
  let code = '';
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if ('code' in inner && typeof inner.code === 'string') code = inner.code;
  }
  return code;
}
