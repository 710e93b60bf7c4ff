/** Turns a filter into SQL: every value is a bound parameter, every key lookup an index lookup. */
import { type SQL, sql } from '../../../src/sdk.ts'
import { attributeColumn, type SearchTime } from './columns.ts'
import type { Comparison, Field, Filter, Literal, MetricPart } from './syntax.ts'

type Of<Kind extends Field['kind']> = Extract<Field, { kind: Kind }>

/**
 * A condition on rows of `tracking_run`. A key that a run lacks makes a comparison NULL, and SQL's
 * own logic keeps it so through `not`: such a run is never found, except by `is null`.
 */
export const compileFilter = (filter: Filter, time: SearchTime): SQL => {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const terms = filter.terms.map((term) => compileFilter(term, time))
      return sql`(${sql.join(terms, sql.raw(` ${filter.kind} `))})`
    }
    case 'not':
      return sql`(not ${compileFilter(filter.term, time)})`
    case 'absent':
      return absent(filter.field, time)
    case 'compare':
      return compare(filter.field, filter.op, filter.value, time)
    case 'in':
      return among(filter.field, filter.values, time)
  }
}

const absent = (field: Field, time: SearchTime): SQL => {
  switch (field.kind) {
    case 'metric':
      return sql`(not exists (select 1 ${seriesOf(field.name)}))`
    case 'param':
      return sql`(not exists (select 1 ${paramOf(field.key)}))`
    case 'tags':
      return sql`(not exists (select 1 ${tagsOf}))`
    case 'attribute':
      return sql`(${attributeColumn(field.name, time)} is null)`
  }
}

const compare = (field: Field, op: Comparison, value: Literal, time: SearchTime): SQL => {
  switch (field.kind) {
    case 'metric':
      return sql`(select ${metricTest(field, op, value)} ${seriesOf(field.name)})`
    case 'param':
      return sql`(select ${paramTest(op, value)} ${paramOf(field.key)})`
    case 'tags':
      return tagsTest(op, String(value))
    case 'attribute':
      return attributeTest(field, op, value, time)
  }
}

const among = (field: Field, values: readonly Literal[], time: SearchTime): SQL => {
  switch (field.kind) {
    case 'metric': {
      const column = metricColumn(field.part)
      return sql`(select coalesce(${column} in ${listOf(values)}, false) ${seriesOf(field.name)})`
    }
    case 'param': {
      const numbers = values.filter((value) => typeof value === 'number')
      const texts = values.filter((value) => typeof value !== 'number').map(String)
      const tests = [
        ...(numbers.length > 0 ? [sql`coalesce(number in ${listOf(numbers)}, false)`] : []),
        ...(texts.length > 0 ? [sql`text in ${listOf(texts)}`] : []),
      ]
      return sql`(select ${sql.join(tests, sql` or `)} ${paramOf(field.key)})`
    }
    case 'tags':
      return sql`(exists (select 1 ${tagsOf} and tag in ${listOf(values)}))`
    case 'attribute':
      return sql`(${attributeColumn(field.name, time)} in ${listOf(values)})`
  }
}

/** One list, however long: a chain of comparisons would be deeper than SQLite allows. */
const listOf = (values: readonly Literal[]): SQL =>
  sql`(${sql.join(
    values.map((value) => sql`${value}`),
    sql`, `,
  )})`

/**
 * `between` says what `=` would say, but leads SQLite's planner to the index that holds the values
 * (see migrations.ts), away from the unique one, which looks cheaper and is ten times slower.
 */
export const seriesOf = (name: string): SQL => sql`from tracking_series
  where run_id between tracking_run.id and tracking_run.id and name = ${name} and count > 0`

export const paramOf = (key: string): SQL =>
  sql`from tracking_param where run_id = tracking_run.id and key = ${key}`

const tagsOf = sql`from tracking_tag where run_id = tracking_run.id`

/** SQLite keeps NaN as NULL; PostgreSQL keeps it, but sorts it above all numbers. */
export const metricColumn = (part: MetricPart): SQL => sql.raw(`nullif(${part}_value, 'NaN')`)

/** A series without a comparable value is unlike any number, and neither above nor below it. */
const metricTest = (field: Of<'metric'>, op: Comparison, value: Literal): SQL => {
  const column = metricColumn(field.part)
  if (Number.isNaN(value)) return op === '=' ? sql`${column} is null` : sql`${column} is not null`
  return sql`coalesce(${column} ${operator(op)} ${value}, ${sql.raw(String(op === '!='))})`
}

const paramTest = (op: Comparison, value: Literal): SQL => {
  if (op === '~') return contains(sql`text`, String(value))
  if (typeof value !== 'number') return sql`text ${operator(op)} ${String(value)}`
  if (Number.isNaN(value)) return sql`text ${operator(op)} 'NaN'`
  return sql`coalesce(number ${operator(op)} ${value}, ${sql.raw(String(op === '!='))})`
}

const tagsTest = (op: Comparison, value: string): SQL => {
  if (op === '~') return sql`(exists (select 1 ${tagsOf} and ${contains(sql`tag`, value)}))`
  const has = sql`exists (select 1 ${tagsOf} and tag = ${value})`
  return op === '!=' ? sql`(not ${has})` : sql`(${has})`
}

const attributeTest = (
  field: Of<'attribute'>,
  op: Comparison,
  value: Literal,
  time: SearchTime,
): SQL => {
  const column = attributeColumn(field.name, time)
  if (op === '~') return contains(column, String(value))
  return sql`(${column} ${operator(op)} ${value})`
}

const operator = (op: Comparison): SQL => sql.raw(op === '!=' ? '<>' : op)

/** `lower` stands on both sides: each database must agree with itself on what the other case is. */
const contains = (column: SQL, text: string): SQL => {
  const pattern = `%${text.replace(/[%_!]/g, '!$&')}%`
  return sql`(lower(${column}) like lower(${pattern}) escape '!')`
}
