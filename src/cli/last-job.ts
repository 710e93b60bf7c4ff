/** Remembers the last job that was submitted from each folder, so that it needs no name. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stateFolder } from './api.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Entries = Record<string, string>

/** The oldest is forgotten. */
const maxEntries = 500

const pathIn = (env: Environment): string => join(stateFolder(env), 'last-jobs.json')

/** The same folder may speak to several servers. */
const keyOf = (url: string): string => `${url} ${process.cwd()}`

const read = (env: Environment): Entries => {
  try {
    return JSON.parse(readFileSync(pathIn(env), 'utf8')) as Entries
  } catch {
    return {}
  }
}

export const lastJob = (url: string, env: Environment): string | undefined => read(env)[keyOf(url)]

/** A convenience: a home that cannot be written is no reason to fail. */
export const rememberJob = (url: string, jobId: string, env: Environment): void => {
  const { [keyOf(url)]: _, ...others } = read(env)
  const kept = Object.entries(others).slice(1 - maxEntries)
  const entries = Object.fromEntries([...kept, [keyOf(url), jobId]])
  try {
    mkdirSync(stateFolder(env), { recursive: true, mode: 0o700 })
    const partial = `${pathIn(env)}.${process.pid}`
    writeFileSync(partial, JSON.stringify(entries), { mode: 0o600 })
    renameSync(partial, pathIn(env))
  } catch {
    return
  }
}
