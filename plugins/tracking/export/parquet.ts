/** Points as a Parquet file, row group by row group, for pandas, Polars, DuckDB and Spark. */
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer'
import type { Point } from '../points/store.ts'
import type { PointPages } from './text.ts'

/** Encoding a group holds the event loop: this many rows take about ten milliseconds. */
const rowsPerGroup = 8_192

const required = { repetition_type: 'REQUIRED' } as const

const schema: SchemaElement[] = [
  { name: 'points', num_children: 5 },
  { name: 'id', type: 'INT64', ...required },
  { name: 'name', type: 'BYTE_ARRAY', converted_type: 'UTF8', ...required },
  { name: 'step', type: 'INT64', ...required },
  { name: 'timestamp', type: 'INT64', converted_type: 'TIMESTAMP_MICROS', ...required },
  { name: 'value', type: 'DOUBLE', ...required },
]

/** The bytes of the file; `metadata` is kept in its footer. */
export async function* parquetBytes(
  pages: PointPages,
  metadata: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter()
  const kvMetadata = Object.entries(metadata).map(([key, value]) => ({ key, value }))
  const file = new ParquetWriter({ writer: bytes, schema, kvMetadata, createdBy: 'hearth' })
  for await (const points of groups(pages)) {
    file.write({ columnData: columnsOf(points), rowGroupSize: rowsPerGroup })
    yield take(bytes)
  }
  file.finish()
  yield take(bytes)
}

async function* groups(pages: PointPages): AsyncGenerator<readonly Point[]> {
  let group: Point[] = []
  for await (const points of pages) {
    for (const point of points) {
      group.push(point)
      if (group.length < rowsPerGroup) continue
      yield group
      group = []
    }
  }
  if (group.length > 0) yield group
}

/** Values stay plain: a dictionary would make 0 of -0. */
const columnsOf = (points: readonly Point[]) => [
  {
    name: 'id',
    data: BigInt64Array.from(points, ({ id }) => BigInt(id)),
    encoding: 'DELTA_BINARY_PACKED' as const,
  },
  { name: 'name', data: points.map(({ name }) => name) },
  {
    name: 'step',
    data: BigInt64Array.from(points, ({ step }) => BigInt(step)),
    encoding: 'DELTA_BINARY_PACKED' as const,
  },
  {
    name: 'timestamp',
    data: BigInt64Array.from(points, ({ time }) => BigInt(time)),
    encoding: 'DELTA_BINARY_PACKED' as const,
  },
  {
    name: 'value',
    data: Float64Array.from(points, ({ value }) => value),
    encoding: 'PLAIN' as const,
  },
]

/** What was written since the last time. Offsets in the file go on counting. */
const take = (writer: ByteWriter): Uint8Array => {
  const taken = writer.getBytes().slice()
  writer.index = 0
  return taken
}
