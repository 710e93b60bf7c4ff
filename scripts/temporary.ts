/** Throw-away folders and databases. */
import { SQL } from 'bun'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string
}

export const temporaryFolder = async (): Promise<TemporaryFolder> => {
  const path = await mkdtemp(join(tmpdir(), 'hearth-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface TemporaryDatabase extends AsyncDisposable {
  readonly url: string
}

/** A fresh database on the PostgreSQL server that the tests were given. */
export const temporaryDatabase = async (): Promise<TemporaryDatabase> => {
  const base = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432'
  const name = `hearth_${crypto.randomUUID().replaceAll('-', '')}`
  const admin = async (statement: string) => {
    const sql = new SQL(base, { max: 1 })
    await sql.unsafe(statement)
    await sql.close()
  }
  await admin(`create database ${name}`)
  const url = new URL(base)
  url.pathname = `/${name}`
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => admin(`drop database if exists ${name} with (force)`),
  }
}
