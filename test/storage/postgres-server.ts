/** A throw-away database on the PostgreSQL server of the tests. */
import postgres from 'postgres'

const base = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'

const onServer = async (statement: string): Promise<void> => {
  const server = postgres(base, { max: 1, onnotice: () => {} })
  try {
    await server.unsafe(statement)
  } finally {
    await server.end()
  }
}

/** Makes an empty database; `drop` removes it, connections and all. */
export const createPostgres = async (): Promise<{ url: string; drop(): Promise<void> }> => {
  const name = `hearth_test_${process.pid}_${crypto.randomUUID().slice(0, 8)}`
  await onServer(`create database ${name}`)
  const url = new URL(base)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => onServer(`drop database ${name} with (force)`) }
}
