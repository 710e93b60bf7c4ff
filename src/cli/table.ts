/** Columns for people: as wide as their text, the last one cut where the terminal ends. */

export interface Cell {
  readonly text: string
  paint?(text: string): string
}

const gap = 2

/** Wide characters count as two columns. */
const pad = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - Bun.stringWidth(text)))

const cut = (text: string, width: number): string =>
  Bun.stringWidth(text) <= width ? text : `${Bun.sliceAnsi(text, 0, Math.max(0, width - 1))}…`

export const table = (
  head: readonly string[],
  rows: readonly (readonly (Cell | string)[])[],
  { columns, paintHead }: { columns: number | undefined; paintHead: (text: string) => string },
): string => {
  const cells: Cell[][] = rows.map((row) =>
    row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell)),
  )
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => Bun.stringWidth(row[column]?.text ?? ''))),
  )
  const line = (row: readonly Cell[]): string => {
    let left = columns ?? Number.POSITIVE_INFINITY
    const parts = row.map(({ text, paint = (same) => same }, column) => {
      const isLast = column === row.length - 1
      const shown = cut(text, Math.max(0, left))
      left -= (widths[column] as number) + gap
      return isLast
        ? paint(shown)
        : paint(shown) + pad('', (widths[column] as number) - Bun.stringWidth(shown) + gap)
    })
    return parts.join('').trimEnd()
  }
  return [line(head.map((text) => ({ text, paint: paintHead }))), ...cells.map(line)].join('\n')
}
