/** Reads the scalars of a TensorBoard event file, whichever program wrote it. */
import { type ImportedPoint, refused, toStep, toTime } from './point.ts'
import { fields, signed } from './protobuf.ts'
import { records } from './records.ts'
import { scalarOf } from './tensor.ts'

/** Yields every scalar; images, histograms, graphs and texts are passed over. */
export async function* readTensorBoard(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ImportedPoint> {
  let number = 0
  for await (const record of records(chunks)) {
    number++
    yield* eventPoints(record, `event ${number}`)
  }
}

/** tensorflow/core/util/event.proto: 1 wall_time (seconds), 2 step, 5 summary. */
function* eventPoints(event: Uint8Array, place: string): Generator<ImportedPoint> {
  try {
    let seconds = 0
    let step = 0
    const summaries: Uint8Array[] = []
    for (const field of fields(event)) {
      if (field.number === 1 && field.wire === 'fixed64') seconds = field.view.getFloat64(0, true)
      else if (field.number === 2 && field.wire === 'varint') step = signed(field.value)
      else if (field.number === 5 && field.wire === 'bytes') summaries.push(field.bytes)
    }
    if (summaries.length === 0) return
    const at = { step: toStep(step, place), time: toTime(seconds * 1e6, place) }
    for (const summary of summaries) {
      for (const { number, ...field } of fields(summary)) {
        const scalar = number === 1 && field.wire === 'bytes' ? summaryValue(field.bytes) : null
        if (scalar) yield { ...scalar, ...at }
      }
    }
  } catch (error) {
    if (error instanceof RangeError) throw refused(place, error.message)
    throw error
  }
}

const decoder = new TextDecoder()

/** tensorflow/core/framework/summary.proto, `Summary.Value`: 1 tag, 2 simple_value, 8 tensor. */
const summaryValue = (message: Uint8Array): { name: string; value: number } | null => {
  let name = ''
  let value: number | null = null
  for (const field of fields(message)) {
    if (field.number === 1 && field.wire === 'bytes') name = decoder.decode(field.bytes)
    else if (field.number === 2 && field.wire === 'fixed32') value = field.view.getFloat32(0, true)
    else if (field.number === 8 && field.wire === 'bytes') value = scalarOf(field.bytes)
  }
  return value === null ? null : { name, value }
}
