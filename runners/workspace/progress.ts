/** Says how far the fetching of inputs is, seldom enough to be read. */

const everyMs = 500

/** Answers the function to call with each count of bytes that came. */
export const fetchProgress = (
  totalBytes: number,
  report?: (detail: string) => void,
): ((count: number) => void) => {
  let fetchedBytes = 0
  let saidMs = Number.NEGATIVE_INFINITY
  return (count) => {
    fetchedBytes += count
    const nowMs = performance.now()
    if (!report || nowMs - saidMs < everyMs) return
    saidMs = nowMs
    report(`fetching inputs: ${megabytes(fetchedBytes)} of ${megabytes(totalBytes)} MB`)
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)
