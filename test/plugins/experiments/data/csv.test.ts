/** Checks that tables are read as they are written, however their bytes arrive. */
import { describe, expect, test } from 'bun:test'
import {
  csvLine,
  csvParser,
  type Row,
  sniffDelimiter,
} from '../../../../plugins/experiments/data/csv.ts'
import { distinct, readTable } from '../../../../plugins/experiments/data/read-table.ts'

const parse = (text: string, delimiter = ',') => {
  const parser = csvParser(delimiter)
  return [...parser.push(text), ...parser.end()]
}

const streamOf = (bytes: Uint8Array, chunk = bytes.length) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += chunk) {
        controller.enqueue(bytes.slice(at, at + chunk))
      }
      controller.close()
    },
  })

const read = async (text: string, chunk?: number) => {
  const table = await readTable(streamOf(new TextEncoder().encode(text), chunk))
  const rows: Row[] = []
  for await (const batch of table.batches) rows.push(...batch)
  const { columns, delimiter } = table
  return { columns, delimiter, rows, ragged: table.raggedRows() }
}

describe('rows', () => {
  test.each([
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\n\n1,2\n\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['"a,1","b\n2"\n', [['a,1', 'b\n2']]],
    ['"say ""hi""",x\n', [['say "hi"', 'x']]],
    ['"",""\n', [['', '']]],
    ['""\n', [['']]],
    [',\n', [['', '']]],
    ['a,"b"c\n', [['a', 'bc']]],
    ['5" pipe,1\n', [['5" pipe', '1']]],
    ['"open\n1,2', [['open\n1,2']]],
    ['', []],
  ])('%j', (text, rows) => {
    expect(parse(text)).toEqual(rows)
  })

  test('are the same wherever the text is cut', () => {
    const text = 'a,"b ""q"" x",c\r\n"",2,"3\r\n4"\r\nlast,"",\r\n'
    const whole = parse(text)
    for (let first = 0; first <= text.length; first++) {
      for (let second = first; second <= text.length; second++) {
        const parser = csvParser(',')
        const rows = [
          ...parser.push(text.slice(0, first)),
          ...parser.push(text.slice(first, second)),
          ...parser.push(text.slice(second)),
          ...parser.end(),
        ]
        expect(rows).toEqual(whole)
      }
    }
  })

  test('come back from what was written', () => {
    const rows = [
      ['a', 'b,c', 'd"e'],
      ['', ' x ', 'l1\nl2'],
      ['ü', '\r', '"'],
      ['1', '', '2'],
    ]
    expect(parse(rows.map((row) => csvLine(row)).join(''))).toEqual(rows)
    expect(parse(csvLine(['']))).toEqual([['']])
  })
})

test.each([
  ['a;b;c\n1,5;2;3\n', ';'],
  ['a\tb\n1\t2\n', '\t'],
  ['a|b\n1|2\n', '|'],
  ['name,text\n1,"x;y;z"\n', ','],
  ['one\ntwo\n', ','],
])('the delimiter of %j is %j', (text, delimiter) => {
  expect(sniffDelimiter(text) as string).toBe(delimiter)
})

describe('tables', () => {
  test('are read with a byte order mark, split characters, and ragged rows', async () => {
    const text = '\uFEFFä,b\r\n1,2\r\n3\r\n4,5,6\r\n'
    for (const chunk of [1, 2, 3, 1000]) {
      expect(await read(text, chunk)).toEqual({
        columns: ['ä', 'b'],
        delimiter: ',',
        rows: [
          ['1', '2'],
          ['3', ''],
          ['4', '5'],
        ],
        ragged: 2,
      })
    }
  })

  test('have distinct names of columns', () => {
    expect(distinct(['a', 'a', '', 'a', 'a.1'])).toEqual(['a', 'a.1', 'Unnamed: 2', 'a.2', 'a.1.1'])
  })

  test('longer than one piece are whole', async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => `${i},"v ${i}",${i / 7}`)
    const { rows } = await read(`id,name,x\n${lines.join('\n')}\n`, 100_003)
    expect(rows).toEqual(lines.map((_, i) => [String(i), `v ${i}`, String(i / 7)]))
  })

  test('of too many columns are refused', async () => {
    await expect(read(','.repeat(30_000))).rejects.toThrow('more than 20000 columns')
  })

  test('that are no text are refused', async () => {
    await expect(read('PK\u0003\u0004\0\0')).rejects.toThrow('not text')
  })

  test('come in small batches, however large the chunks are', async () => {
    const text = `a,b\n${'12345,1234567\n'.repeat(100_000)}`
    const bytes = new TextEncoder().encode(text)
    const { batches } = await readTable(streamOf(bytes, bytes.length))
    const sizes: number[] = []
    for await (const batch of batches) sizes.push(batch.length)
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(100_000)
    expect(Math.max(...sizes)).toBeLessThan(6_000)
  })
})
