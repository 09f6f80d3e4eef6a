/** The media type of a Content-Type header, without parameters and in lower case; empty where there is none. */
export function mediaTypeOf(header: string | null): string {
  if (header === 'application/json' || header === null) return header ?? '';
  const end = header.indexOf(';');
  return (end === -1 ? header : header.slice(0, end)).trim().toLowerCase();
}
