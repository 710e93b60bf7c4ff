/** Exported files hold exactly the points, for pyarrow as for our own import. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetBytes } from '../../../../plugins/tracking/export/parquet.ts'
import { csvLines, jsonLines } from '../../../../plugins/tracking/export/text.ts'
import { readCsv } from '../../../../plugins/tracking/import/csv.ts'
import { readJsonl } from '../../../../plugins/tracking/import/jsonl.ts'
import type { Point } from '../../../../plugins/tracking/points/store.ts'
import { runPython, testWithPython } from '../reference.ts'

const folder = await mkdtemp(join(tmpdir(), 'hearth-export-'))
afterAll(() => rm(folder, { recursive: true }))

const values = [
  0.1,
  -0,
  Number.NaN,
  Infinity,
  -Infinity,
  5e-324,
  1.7976931348623157e308,
  1e21,
  1 / 3,
]

const points: Point[] = Array.from({ length: 40_000 }, (_, i) => ({
  id: i + 1,
  runId: 7,
  name: ['loss', 'a "quoted", name', 'größe/λ', '=1+1'][i % 4] as string,
  value: values[i % values.length] as number,
  step: i % 3 === 1 ? -i : i * 2 ** 30,
  time: 1_700_000_000_000_000 + (i % 5) * 1_234_567 * i,
}))

async function* pages(): AsyncGenerator<readonly Point[]> {
  for (let at = 0; at < points.length; at += 3000) yield points.slice(at, at + 3000)
}

const bytesOf = async (parts: AsyncIterable<string | Uint8Array>): Promise<Uint8Array> =>
  Buffer.concat(await Array.fromAsync(parts, (part) => Buffer.from(part as string)))

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const wanted = points.map(({ name, value, step, time }) => ({ name, value, step, time }))
const reading = { startedAt: 0, skipped: 0 }

test('CSV comes back through the import as it was', async () => {
  const file = await bytesOf(csvLines(pages()))
  expect(new TextDecoder().decode(file.subarray(0, 300)).split('\n').slice(0, 3)).toEqual([
    'id,name,step,timestamp,value',
    '1,loss,0,2023-11-14T22:13:20.000000,0.1',
    '2,"a ""quoted"", name",-1,2023-11-14T22:13:21.234567,-0',
  ])
  const read = await Array.fromAsync(readCsv(whole(file), reading))
  expect(read).toEqual(wanted)
})

test('JSONL comes back through the import as it was, but for the sign of zero', async () => {
  const file = await bytesOf(jsonLines(pages()))
  expect(new TextDecoder().decode(file).split('\n')[2]).toBe(
    '{"id":3,"run_id":7,"name":"größe/λ","value":"NaN","step":2147483648,' +
      '"timestamp":"2023-11-14T22:13:24.938268"}',
  )
  const read = await Array.fromAsync(readJsonl(whole(file), reading))
  expect(read).toEqual(wanted.map((point) => ({ ...point, value: point.value + 0 })))
})

test('a run without points is a file without rows', async () => {
  async function* none(): AsyncGenerator<readonly Point[]> {}
  expect(Buffer.from(await bytesOf(csvLines(none()))).toString()).toBe(
    'id,name,step,timestamp,value\n',
  )
  expect(await bytesOf(jsonLines(none()))).toHaveLength(0)
  const parquet = Buffer.from(await bytesOf(parquetBytes(none(), {}))).toString('latin1')
  expect([parquet.slice(0, 4), parquet.slice(-4)]).toEqual(['PAR1', 'PAR1'])
})

/** Bits, so that NaN and -0 are compared as they are. */
const reader = `
import sys, json, hashlib, struct
import pyarrow as pa, pyarrow.parquet as pq, pyarrow.csv as pc
table = pq.read_table(sys.argv[1])
metadata = pq.read_metadata(sys.argv[1])
csv = pc.read_csv(sys.argv[2])
def sums(table):
    rows = zip(*(table.column(name).to_pylist() for name in ('id', 'name', 'step', 'value')))
    times = table.column('timestamp').cast(pa.timestamp('us')).cast(pa.int64()).to_pylist()
    digest = hashlib.sha256()
    for (id, name, step, value), time in zip(rows, times):
        bits = 'nan' if value is None or value != value else struct.pack('<d', value).hex()
        digest.update(f'{id} {name} {step} {time} {bits}\\n'.encode())
    return digest.hexdigest()
print(json.dumps({
    'schema': {field.name: str(field.type) for field in table.schema},
    'rows': table.num_rows,
    'groups': metadata.num_row_groups,
    'note': metadata.metadata[b'run_name'].decode(),
    'parquet': sums(table),
    'csv': sums(csv),
    'empty': pq.read_table(sys.argv[3]).num_rows,
}))
`

const expectedSum = (): string => {
  const hash = new Bun.CryptoHasher('sha256')
  for (const { id, name, step, time, value } of points) {
    const bits =
      value !== value ? 'nan' : Buffer.from(Float64Array.of(value).buffer).toString('hex')
    hash.update(`${id} ${name} ${step} ${time} ${bits}\n`)
  }
  return hash.digest('hex')
}

testWithPython('pyarrow reads Parquet and CSV exactly', async () => {
  const [parquet, csv, empty] = ['a.parquet', 'a.csv', 'b.parquet'].map((name) =>
    join(folder, name),
  )
  await Bun.write(parquet as string, await bytesOf(parquetBytes(pages(), { run_name: 'größe' })))
  await Bun.write(csv as string, await bytesOf(csvLines(pages())))
  async function* none(): AsyncGenerator<readonly Point[]> {}
  await Bun.write(empty as string, await bytesOf(parquetBytes(none(), {})))
  const sum = expectedSum()
  expect(JSON.parse(await runPython(reader, [parquet, csv, empty] as string[]))).toEqual({
    schema: {
      id: 'int64',
      name: 'string',
      step: 'int64',
      timestamp: 'timestamp[us, tz=UTC]',
      value: 'double',
    },
    rows: points.length,
    groups: 5,
    note: 'größe',
    parquet: sum,
    csv: sum,
    empty: 0,
  })
})
