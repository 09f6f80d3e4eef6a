/**
 * Three lines that join the room from the console of any page.
 */

export function consoleSnippet(/** @type {string} */ url) {
  return [
    `ws = new WebSocket("${url}")`,
    'ws.onmessage = m => console.log(m.data)',
    'ws.onopen = () => ws.send("Hello! I\'m client")',
  ].join('\n');
}

/** Copies the text of an element, or selects it where the page may not use the clipboard. */
export async function copyText(/** @type {HTMLElement} */ source, /** @type {HTMLElement} */ button) {
  try {
    // Plain HTTP from another machine has no `navigator.clipboard`; that throws as well.
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = 'Copied';
  } catch {
    getSelection()?.selectAllChildren(source);
    button.textContent = 'Selected: press Ctrl+C';
  }
}
