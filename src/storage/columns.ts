/** The columns of both dialects under one name each, so that a schema says a table once. */
import {
  customType,
  integer,
  real as sqliteReal,
  text as sqliteText,
} from 'drizzle-orm/sqlite-core'

export {
  alias,
  index,
  primaryKey,
  sqliteTable as table,
  unique,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core'

/** A column's name is its key in `snake_case`, unless the column is given one. */
export const casing = 'snake_case'

/** Goes with `words.id` of a migration. */
export const id = () => integer().primaryKey()
export const text = () => sqliteText()
export const int = () => integer()
/** Integers within ±2^53. */
export const big = () => integer()
/** Keeps the infinities; NaN becomes null on SQLite. */
export const real = () => sqliteReal()
/** Milliseconds since the epoch. */
export const time = () => integer()

export const bool = customType<{ data: boolean; driverData: boolean | number }>({
  dataType: () => 'boolean',
  toDriver: (value) => value,
  fromDriver: (value) => Boolean(value),
})

export const blob = customType<{ data: Uint8Array }>({ dataType: () => 'blob' })

const jsonOf = customType<{ data: unknown; driverData: string }>({
  dataType: () => 'text',
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (value) => JSON.parse(value),
})

/** Kept as text in the order of its keys; NaN and the infinities become null, as in all JSON. */
export const json = <T>() => jsonOf().$type<T>()
