/** Cuts a log into lines at the same places whoever reads it, and from wherever. */

/** Lines longer than this are cut. */
export const cellBytes = 64 * 1024

const lf = 10
const cr = 13

/**
 * Where lines of a cell end: after a newline, or after a carriage return alone (progress bars).
 * A cell is `cellBytes` long and begins at a multiple of that; when no line ends within a whole
 * one, it ends itself, before a character that it would cut in two. So the places depend on the
 * bytes alone, and two readers who came by different ways agree on them.
 *
 * @param next the byte after the cell, if it is there; `final`: nothing comes after it any more
 */
export const cutsOf = (cell: Uint8Array, next: number | undefined, final: boolean): number[] => {
  const cuts: number[] = []
  for (let at = 0; at < cell.length; at++) {
    if (cell[at] === lf) cuts.push(at + 1)
    else if (cell[at] === cr) {
      const after = at + 1 < cell.length ? cell[at + 1] : next
      if (after === undefined ? final : after !== lf) cuts.push(at + 1)
    }
  }
  const isLast = final && next === undefined
  if (isLast && cell.length > 0 && cuts.at(-1) !== cell.length) cuts.push(cell.length)
  if (cuts.length === 0 && cell.length === cellBytes) cuts.push(wholeCharacters(cell))
  return cuts
}

/** The length without a UTF-8 character at the end of which bytes are missing. */
export const wholeCharacters = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) break
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return length > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}
