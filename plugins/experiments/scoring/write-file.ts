/** Writes a table into the blobs as it is made, in constant memory. */
import type { Blobs } from '../../../src/sdk.ts'
import { csvLine, type Row } from '../data/csv.ts'
import { pace } from '../data/pace.ts'
import type { KeptFile } from '../journal/node.ts'

const pieceLength = 65_536

export const writeTable = async (
  blobs: Blobs,
  path: string,
  rows: AsyncIterable<Row> | Iterable<Row>,
  delimiter = ',',
): Promise<KeptFile> => {
  const pieces = encoded(rows, delimiter)
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await pieces.next()
      if (next.done === true) controller.close()
      else controller.enqueue(next.value)
    },
    async cancel() {
      await pieces.return()
    },
  })
  return { path, ...(await blobs.put(stream)) }
}

async function* encoded(
  rows: AsyncIterable<Row> | Iterable<Row>,
  delimiter: string,
): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder()
  const steps = pace()
  let text = ''
  for await (const row of rows) {
    text += csvLine(row, delimiter)
    if (text.length < pieceLength) continue
    yield encoder.encode(text)
    text = ''
    await steps.turn()
  }
  if (text !== '') yield encoder.encode(text)
}
