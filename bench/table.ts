/** The arithmetic and the print of a benchmark table: medians of repeats, columns, ratios. */

export const median = (values: readonly number[]): number =>
  quantile(Float64Array.from(values), 0.5)

/** Linear interpolation between the two nearest ranks. */
export const quantile = (values: Float64Array, q: number): number => {
  const sorted = values.toSorted()
  const position = (sorted.length - 1) * q
  const low = sorted[Math.floor(position)] ?? Number.NaN
  const high = sorted[Math.ceil(position)] ?? Number.NaN
  return low + (high - low) * (position - Math.floor(position))
}

export interface TableRow {
  readonly what: string
  readonly unit: string
  /** One figure a column; null: not measured for that server. */
  readonly figures: readonly (number | null)[]
  /** `more`: the ratio is ours to theirs; `less`: theirs to ours. Either way above 1 is better. */
  readonly better: 'more' | 'less'
  /** What the row is meant to reach, in words. */
  readonly goal?: string
}

/** A Markdown table; the first column is ours, `peer` is the index of the one to compare with. */
export const table = (
  columns: readonly string[],
  rows: readonly TableRow[],
  peer: number,
): string => {
  const lines = [
    ['', ...columns, 'ratio', 'goal'],
    ['---', ...columns.map(() => '---:'), '---:', '---'],
    ...rows.map((row) => [
      `${row.what} (${row.unit})`,
      ...columns.map((_, index) => number(row.figures[index] ?? null)),
      ratio(row, peer),
      row.goal ?? '',
    ]),
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const ratio = ({ figures, better }: TableRow, peer: number): string => {
  const ours = figures[0]
  const theirs = figures[peer]
  if (!ours || !theirs) return ''
  const times = better === 'more' ? ours / theirs : theirs / ours
  return `${times >= 10 ? times.toFixed(0) : times.toFixed(1)}x`
}

const number = (value: number | null): string => {
  if (value === null) return '-'
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
