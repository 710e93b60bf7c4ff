/** Something that was promised did not hold. */
export class BrokenError extends Error {
  override readonly name = 'BrokenError'
}
