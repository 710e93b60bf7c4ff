/** Orders runs by any field and finds the place where the last page ended. */
import { HearthError, type SQL, sql } from '../../../src/sdk.ts'
import { attributeColumn, type SearchTime } from './columns.ts'
import { metricColumn, paramOf, seriesOf } from './compile.ts'
import { attributes, type OrderTerm } from './syntax.ts'

/** One column to order by. Missing values come last in both directions. */
export interface SortKey {
  readonly column: SQL
  readonly type: 'number' | 'integer' | 'text'
  readonly descending: boolean
}

/** The columns of an order. A param has two, since numbers are ordered before text. */
export const sortKeys = (order: readonly OrderTerm[], time: SearchTime): SortKey[] =>
  order.flatMap(({ field, descending }) =>
    columnsOf(field, time).map((column) => ({ ...column, descending })),
  )

const columnsOf = (field: OrderTerm['field'], time: SearchTime): Omit<SortKey, 'descending'>[] => {
  switch (field.kind) {
    case 'metric': {
      const column = sql`(select ${metricColumn(field.part)} ${seriesOf(field.name)})`
      return [{ column, type: 'number' }]
    }
    case 'param':
      return [
        { column: paramColumn('number', field.key), type: 'number' },
        { column: paramColumn('text', field.key), type: 'text' },
      ]
    case 'attribute': {
      const type = attributes[field.name]
      const column = attributeColumn(field.name, time)
      return [{ column, type: type === 'time' ? 'integer' : type }]
    }
  }
}

const paramColumn = (column: 'number' | 'text', key: string): SQL =>
  sql`(select ${sql.raw(column)} ${paramOf(key)})`

export type KeyValue = number | string | null

/** Where a page ended: the values of its last run, and what must stay the same on the next page. */
export interface Cursor {
  readonly time: SearchTime
  /** Which question the cursor belongs to. */
  readonly question: string
  readonly keys: readonly KeyValue[]
  readonly id: number
}

export const writeCursor = ({ time, question, keys, id }: Cursor): string => {
  const values = keys.map((key) => (key === Infinity ? [1] : key === -Infinity ? [-1] : key))
  const parts = [question, time.now, time.silentSince, id, values]
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** @throws HearthError `bad_request` when the text is no cursor, or one of another question */
export const readCursor = (text: string, question: string, sort: readonly SortKey[]): Cursor => {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    throw notACursor()
  }
  if (!Array.isArray(parts) || parts.length !== 5) throw notACursor()
  const [asked, now, silentSince, id, values] = parts as unknown[]
  if (asked !== question) throw notACursor()
  if (!isInteger(now) || !isInteger(silentSince) || !isInteger(id)) throw notACursor()
  if (!Array.isArray(values) || values.length !== sort.length) throw notACursor()
  const keys = sort.map(({ type }, i) => readKey(values[i], type))
  return { question, time: { now, silentSince }, id, keys }
}

const readKey = (value: unknown, type: SortKey['type']): KeyValue => {
  if (value === null) return null
  if (type === 'text' && typeof value === 'string' && !value.includes('\0')) return value
  if (type === 'integer' && isInteger(value)) return value
  if (type === 'number' && typeof value === 'number') return value
  if (type === 'number' && Array.isArray(value)) return value[0] === -1 ? -Infinity : Infinity
  throw notACursor()
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)

const notACursor = (): HearthError =>
  new HearthError('bad_request', 'cursor does not belong to this search; start without one')

/** The order of the keys named `k0`, `k1` ..., the newest run first among equals. */
export const orderBy = (keys: readonly SortKey[]): SQL => {
  const terms = keys.map(({ descending }, i) =>
    sql.raw(`k${i} ${descending ? 'desc' : 'asc'} nulls last`),
  )
  return sql.join([...terms, sql`id desc`], sql`, `)
}

/** What comes after the cursor in that order. */
export const afterCursor = (keys: readonly SortKey[], cursor: Cursor): SQL => {
  const equal: SQL[] = []
  const cases: SQL[] = []
  keys.forEach(({ descending }, i) => {
    const column = sql.raw(`k${i}`)
    const value = cursor.keys[i] ?? null
    if (value === null) {
      equal.push(sql`${column} is null`)
      return
    }
    const beyond = sql`(${column} ${sql.raw(descending ? '<' : '>')} ${value} or ${column} is null)`
    cases.push(sql.join([...equal, beyond], sql` and `))
    equal.push(sql`${column} = ${value}`)
  })
  cases.push(sql.join([...equal, sql`id < ${cursor.id}`], sql` and `))
  return sql`(${sql.join(cases, sql` or `)})`
}
