/** Why an attempt cannot be prepared on this node, in words for the person who submitted it. */

/** Ends the attempt with `prepare_failed`; any other error is worth another try. */
export class PrepareError extends Error {
  override readonly name = 'PrepareError'
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

export const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error))

/** Runs file work; what no second try can mend becomes a `PrepareError`. */
export const onDisk = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const code = codeOf(error)
    if (['ENOSPC', 'EDQUOT'].includes(code)) throw new PrepareError('the disk of the node is full')
    if (code === 'ENAMETOOLONG') throw new PrepareError('the name of a file is too long')
    throw error
  }
}
