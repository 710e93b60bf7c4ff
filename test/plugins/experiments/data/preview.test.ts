/** Checks what proposers are told of the data. */
import { describe, expect, test } from 'bun:test'
import { fileTree, humanBytes } from '../../../../plugins/experiments/data/file-tree.ts'
import { jsonShape } from '../../../../plugins/experiments/data/json-shape.ts'
import { previewOf } from '../../../../plugins/experiments/data/preview.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'

const preview = async (texts: Record<string, string>, notes: string[] = []) => {
  const blobs = memoryBlobs()
  const files = []
  for (const [path, text] of Object.entries(texts)) {
    files.push({ path, ...(await blobs.put(new TextEncoder().encode(text))) })
  }
  return await previewOf(files, { blobs, notes })
}

test('a table is summed up by its columns', async () => {
  const lines = [
    'n,i,flag,kind,day,words,nothing',
    '1.5,1,true,a,2024-01-02,the first of all the sentences that are long enough,',
    'NA,-2,False,b,2024-01-03T10:00:00Z,the second of all the sentences that are long enough,NaN',
    '3,3,true,a,03/04/2024,the third of all the sentences that are long enough,',
  ]
  const { tables, text } = await preview({ 'a.csv': `${lines.join('\n')}\n` }, ['Careful.'])
  const column = { missing: 0, min: null, max: null }
  expect(tables).toEqual([
    {
      path: 'a.csv',
      rows: 3,
      columns: [
        { name: 'n', kind: 'number', missing: 1, unique: 2, min: 1.5, max: 3, top: ['1.5', '3'] },
        {
          name: 'i',
          kind: 'integer',
          missing: 0,
          unique: 3,
          min: -2,
          max: 3,
          top: ['1', '-2', '3'],
        },
        { ...column, name: 'flag', kind: 'boolean', unique: 2, top: ['true', 'False'] },
        { ...column, name: 'kind', kind: 'category', unique: 2, top: ['a', 'b'] },
        {
          ...column,
          name: 'day',
          kind: 'date',
          unique: 3,
          top: ['2024-01-02', '2024-01-03T10:00:00Z', '03/04/2024'],
        },
        {
          ...column,
          name: 'words',
          kind: 'text',
          unique: 3,
          top: ['first', 'second', 'third'].map(
            (nth) => `the ${nth} of all the sentences that are long enough`,
          ),
        },
        { ...column, name: 'nothing', kind: 'empty', missing: 3, unique: 0, top: [] },
      ],
    },
  ])
  expect(text).toContain('a.csv (276 bytes)')
  expect(text).toContain('3 rows and 7 columns.')
  expect(text).toContain('- n: number, 1.5 to 3, 2 different, 1 missing (33 %), values "1.5" "3"')
  expect(text).toEndWith('Note: Careful.')
})

test('a long preview takes the short form and stays within its length', async () => {
  const header = Array.from({ length: 400 }, (_, i) => `column_with_a_long_name_${i}`)
  const row = header.map((_, i) => String(i))
  const { text, tables } = await preview({ 'wide.csv': `${header}\n${row}\n` })
  expect(tables[0]!.columns).toHaveLength(400)
  expect(text).toContain('column_with_a_long_name_14 and 385 more.')
  expect(text).not.toContain('column_with_a_long_name_15')
  const texts = Array.from({ length: 29 }, (_, i) => [`f${i}.txt`, 'word '.repeat(100)])
  const many = await preview(Object.fromEntries(texts))
  expect(many.text.length).toBeLessThanOrEqual(6000)
  expect(many.text).toEndWith('... (shortened)')
})

test('short text is there as it is, long JSON as its shape, bytes not at all', async () => {
  const records = Array.from({ length: 100 }, (_, i) => ({ id: i, tags: ['x'], note: null }))
  const { text, tables } = await preview({
    'task.md': 'Predict ```y```.',
    'a.json': JSON.stringify(records),
    'b.jsonl': records
      .map((record) => JSON.stringify(record))
      .join('\n')
      .repeat(3),
    'c.bin': 'secret',
    'd.json': `{${' '.repeat(4000)}`,
    'not-a-table.csv': 'a\0b',
  })
  expect(tables).toEqual([])
  expect(text).toContain('### task.md\n````\nPredict ```y```.\n````')
  const shape = '[{id: number, tags: [string], note: null}]'
  expect(text).toContain(`### a.json\nJSON of the shape ${shape}`)
  expect(text).not.toContain('secret')
  expect(text).not.toContain('### d.json')
  expect(text).not.toContain('### not-a-table.csv')
})

describe('the tree of files', () => {
  const files = (paths: string[]) => paths.map((path) => ({ path, sha256: '', sizeBytes: 1 }))

  test('shows folders and shortens long ones', () => {
    const paths = Array.from({ length: 10 }, (_, i) => `img/${i}.png`)
    expect(fileTree(files(['z.csv', ...paths])).split('\n')).toEqual([
      'z.csv (1 bytes)',
      'img/',
      ...Array.from({ length: 8 }, (_, i) => `    ${i}.png (1 bytes)`),
      '    ... and 2 other files',
    ])
  })

  test('shortens more when there are more than 30', () => {
    const paths = Array.from({ length: 31 }, (_, i) => `${i}.png`)
    expect(fileTree(files(paths)).split('\n').at(-1)).toBe('... and 27 other files')
  })

  test.each([
    [999, '999 bytes'],
    [1000, '1 kB'],
    [999_999, '1 MB'],
    [104_857_600, '105 MB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(humanBytes(bytes)).toBe(text)
  })
})

test.each([
  [[{ a: 1 }, { a: 'x', b: [1, null] }], '[{a: number | string, b?: [null | number]}]'],
  [{}, '{}'],
  [[], '[]'],
  [3, 'number'],
])('the shape of %j', (value, shape) => {
  expect(jsonShape(value)).toBe(shape)
})
