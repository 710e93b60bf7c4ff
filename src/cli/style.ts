/** Colours, where somebody sees them. */

export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

export const styleFor = (
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Style => {
  const isColoured = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const paint = (code: number, end: number) => (text: string) =>
    isColoured && text !== '' ? `\x1b[${code}m${text}\x1b[${end}m` : text
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  }
}

/** Text that others wrote, without what would steer the terminal. */
export const plainText = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')
