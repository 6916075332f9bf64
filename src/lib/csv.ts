/** Cells of CSV that a spreadsheet neither runs nor splits. https://www.rfc-editor.org/rfc/rfc4180 */

/** Spreadsheets run a cell that begins like this as a formula, also in full width; a quote before it makes it text. https://owasp.org/www-community/attacks/CSV_Injection */
const formula = /^'*[=+\-@\t\r\n＝＋－＠]/

export const plainCell = (cell: string): string =>
  cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell

const safeCell = (cell: string): string => (formula.test(cell) ? `'${cell}` : cell)

const quoted = (cell: string): string => (/["\n\r,;]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)

/** One line without its end. */
export const csvLine = (cells: readonly string[]): string =>
  cells.map((cell) => quoted(safeCell(cell))).join(',')
