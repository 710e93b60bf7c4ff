/** The one way scripts speak: whole lines on standard output. */
export const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
