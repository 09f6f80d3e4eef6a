/**
 * HTML as a tagged template: what is put in is escaped, unless it is markup itself.
 */
export class Markup {
  readonly text: string;

  /** @param text is trusted as it is */
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | readonly Markup[] | string | number | null;

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const written = parts.map(textOf);
  return new Markup(strings.reduce((text, piece, i) => text + written[i - 1] + piece));
}

/** A value for the inside of a `<script type="application/json">`, which only `</script` or `<!--` could leave. */
export function jsonForScript(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'));
}

function textOf(part: Part): string {
  if (part === null) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return String(part)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
