/** CSV and JSONL as the field's tools write them: columns found, values exact, errors placed. */
import { describe, expect, test } from 'bun:test'
import { readCsv } from '../../../../plugins/tracking/import/csv.ts'
import { readJsonl } from '../../../../plugins/tracking/import/jsonl.ts'
import type { Reading } from '../../../../plugins/tracking/import/layout.ts'
import type { ImportedPoint } from '../../../../plugins/tracking/import/point.ts'

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const startedAt = 5_000_000

const readWith =
  (reader: typeof readCsv) =>
  async (source: string | Uint8Array, pieceBytes = 3) => {
    const reading: Reading = { startedAt, skipped: 0 }
    const bytes = typeof source === 'string' ? Buffer.from(source) : source
    const points = await Array.fromAsync(reader(pieces(bytes, pieceBytes), reading))
    return { points, skipped: reading.skipped }
  }

const csv = readWith(readCsv)
const jsonl = readWith(readJsonl)

const point = (name: string, value: number, step: number, time: number): ImportedPoint => ({
  name,
  value,
  step,
  time,
})

const second = 1_000_000

describe('CSV', () => {
  const tables: [string, string, ImportedPoint[], number?][] = [
    [
      'wide, with neither step nor time',
      'loss,acc\n0.5,1\n0.25,2\n',
      [
        point('loss', 0.5, 0, startedAt),
        point('acc', 1, 0, startedAt),
        point('loss', 0.25, 1, startedAt + 1),
        point('acc', 2, 1, startedAt + 1),
      ],
    ],
    ['of TensorBoard', 'Wall time,Step,Value\n1.5,10,0.5', [point('Value', 0.5, 10, 1.5 * second)]],
    [
      'of Lightning: epochs beside steps, gaps',
      'epoch,step,train_loss,val_loss\n0,49,0.5,\n0,99,,0.25\n',
      [
        point('epoch', 0, 49, startedAt),
        point('train_loss', 0.5, 49, startedAt),
        point('epoch', 0, 99, startedAt + 1),
        point('val_loss', 0.25, 99, startedAt + 1),
      ],
    ],
    [
      'of pandas: an unnamed index, floats as steps',
      ',step,loss\n0,1.0,nan\n1,2.0,-inf\n',
      [point('loss', NaN, 1, startedAt), point('loss', -Infinity, 2, startedAt + 1)],
    ],
    [
      'long, ours',
      'id,name,step,timestamp,value\n7,a/b,3,1970-01-01T00:00:01.000005,1e-3\n',
      [point('a/b', 0.001, 3, 1_000_005)],
    ],
    [
      'quoted, CRLF, semicolons, BOM',
      '\uFEFF"name";"step";"value"\r\n"a ""b"";\nc";1;2\r\nd;2;3',
      [point('a "b";\nc', 2, 1, startedAt), point('d', 3, 2, startedAt + 1)],
    ],
    [
      'tabs and blank lines',
      'step\tgröße\n\n1\t5\n\n2\t6\n',
      [point('größe', 5, 1, startedAt), point('größe', 6, 2, startedAt + 1)],
    ],
    [
      'wide with text between the numbers',
      'step,phase,loss\n1,warm-up,0.5\n',
      [point('loss', 0.5, 1, startedAt)],
      1,
    ],
    ['without rows', 'step,loss\n', []],
  ]
  test.each(tables)('%s', async (_, source, points, skipped = 0) => {
    for (const pieceBytes of [1, 5, 1000]) {
      expect(await csv(source, pieceBytes)).toEqual({ points, skipped })
    }
  })

  const wrong: [string, string | Uint8Array, string][] = [
    ['no metric', 'step,time\n1,2\n', 'line 1: no column holds a metric'],
    ['too many cells', 'a,b\n1,2,3\n', 'line 2: it has 3 cells, and the first line 2'],
    ['half a step', 'step,a\n1.5,2\n', 'line 2: a step is a whole number within ±2^53'],
    ['no step', 'step,a\n\n1,2\n,3\n', 'line 4: the step is missing or not a number'],
    ['bad time', 'time,a\nsoon,2\n', 'line 2: "soon" is not a time'],
    ['bad value', 'name,value\na,b\n', 'line 2: the value is not a number'],
    ['open quote', 'a,b\n1,"2\n3', 'line 2: a quote is never closed'],
    ['text after a quote', 'a,b\n"1"2,3\n', 'line 2: text follows a closing quote'],
    ['not text', Uint8Array.of(0x61, 0x2c, 0xff, 0xfe), 'byte 0: it is not UTF-8 text'],
    ['endless line', 'a'.repeat(1_100_000), 'line 1: it is longer than 1048576 characters'],
  ]
  test.each(wrong)('refuses %s', async (_, source, problem) => {
    await expect(csv(source, 100_000)).rejects.toEqual(
      expect.objectContaining({
        code: 'bad_request',
        message: expect.stringContaining(`The file cannot be read at ${problem}`),
      }),
    )
  })

  test.each([
    ['seconds', '1700000000.5'],
    ['milliseconds', '1700000000500'],
    ['microseconds', '1700000000500000'],
    ['nanoseconds', '1700000000500000000'],
    ['ISO', '2023-11-14T22:13:20.5Z'],
  ])('times in %s', async (_, time) => {
    const { points } = await csv(`time,a\n${time},1\n`)
    expect(points).toEqual([point('a', 1, 0, 1_700_000_000_500_000)])
  })
})

describe('JSONL', () => {
  const files: [string, string, ImportedPoint[], number?][] = [
    [
      'of Hugging Face',
      '{"loss": 0.5, "epoch": 0.1, "step": 10}\n{"eval_loss": NaN, "step": 20}\n',
      [
        point('loss', 0.5, 10, startedAt),
        point('epoch', 0.1, 10, startedAt),
        point('eval_loss', NaN, 20, startedAt + 1),
      ],
    ],
    [
      'of W&B',
      '{"_step": 1, "_timestamp": 2.5, "_runtime": 9, "a": -Infinity, "t": "x", "o": {}}',
      [point('a', -Infinity, 1, 2.5 * second)],
      2,
    ],
    [
      'long, ours',
      '{"id":1,"name":"a","step":2,"timestamp":"1970-01-01T00:00:03","value":"NaN"}\r\n\r\n',
      [point('a', NaN, 2, 3 * second)],
    ],
    [
      'with hostile keys',
      '{"__proto__": 1, "constructor": 2, "step": 3}',
      [point('__proto__', 1, 3, startedAt), point('constructor', 2, 3, startedAt)],
    ],
  ]
  test.each(files)('%s', async (_, source, points, skipped = 0) => {
    for (const pieceBytes of [1, 1000]) {
      expect(await jsonl(source, pieceBytes)).toEqual({ points, skipped })
    }
  })

  test.each([
    ['malformed', '{"a": 1}\n\n{"a": }\n', 'line 3: it is not valid JSON'],
    ['a list', '[1]\n', 'line 1: it is not a JSON object'],
    ['nameless', '{"name": 1, "value": 2}', 'line 1: the name of the metric is missing'],
  ])('refuses %s', async (_, source, problem) => {
    await expect(jsonl(source)).rejects.toThrow(`The file cannot be read at ${problem}`)
  })
})
