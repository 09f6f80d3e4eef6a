/**
 * The rows of a table, each kept as long as what it tells of, so that what somebody has selected stays selected. Everything that comes from
 * a node is written as text.
 */
export class KeyedRows {
  #body;
  /** @type {Map<string, HTMLTableRowElement>} */
  #rows = new Map();

  constructor(/** @type {HTMLTableSectionElement} */ body) {
    this.#body = body;
  }

  /**
   * @param {readonly { key: string, cells: readonly string[], data?: Readonly<Record<string, string>>, colour?: string }[]} rows
   *   `colour` is a custom property for the row
   */
  show(rows) {
    const keys = new Set(rows.map(({ key }) => key));
    for (const [key, row] of this.#rows)
      if (!keys.has(key)) {
        row.remove();
        this.#rows.delete(key);
      }
    rows.forEach(({ key, cells, data = {}, colour }, place) => {
      const row = this.#rows.get(key) ?? this.#add(key, cells.length);
      if (this.#body.rows[place] !== row) this.#body.insertBefore(row, this.#body.rows[place] ?? null);
      Object.assign(row.dataset, data);
      if (colour !== undefined) row.style.setProperty('--colour', `var(${colour})`);
      cells.forEach((text, i) => {
        const cell = row.cells[i];
        if (cell.textContent !== text) cell.textContent = text;
      });
    });
  }

  #add(key, width) {
    const row = document.createElement('tr');
    for (let i = 0; i < width; i += 1) {
      const cell = document.createElement(i === 0 ? 'th' : 'td');
      if (i === 0) cell.scope = 'row';
      row.append(cell);
    }
    this.#rows.set(key, row);
    return row;
  }
}
