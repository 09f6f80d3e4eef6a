import { expect, test } from 'vitest';
import { html, jsonForScript, Markup } from './markup.ts';

test('text is escaped, markup is not', () => {
  const item = html`<li title="${'"quoted"'}">${'<b> & co'}</li>`;
  expect(html`<ul>${[item, item]}${null}${new Markup('<hr>')}</ul>`.text).toBe(
    `<ul>${'<li title="&quot;quoted&quot;">&lt;b&gt; &amp; co</li>'.repeat(2)}<hr></ul>`,
  );
});

test('a value in a script cannot leave it', () => {
  expect(jsonForScript({ system: '</script><!--' }).text).toBe('{"system":"\\u003c/script>\\u003c!--"}');
});
