/**
 * The target of a request, whose form is the peer's choice (RFC 9112, section 3.2).
 */

/** Path and query of `http://host/path?query`; a bare path stays as it is. */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const slash = target.indexOf('/', target.indexOf('://') + 3);
  return slash === -1 ? '/' : target.slice(slash);
}
