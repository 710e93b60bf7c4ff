/** The servers under measurement behind one face: each only spells its requests its own way. */
import { Glob, SQL } from 'bun'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { callJson, type Hearth, signUp, startHearth } from '../../scripts/hearth.ts'
import { temporaryDatabase, temporaryFolder } from '../../scripts/temporary.ts'
import { type Mlflow, startMlflow } from '../mlflow.ts'

export interface Target {
  readonly name: string
  readonly origin: string
  readonly token?: string
  createRun(name: string): Promise<string>
  /** Bytes that the points and all else take on disk. */
  diskBytes(): Promise<number>
  stop(): Promise<void>
}

export interface HearthTarget extends Target {
  readonly kind: 'hearth'
  readonly token: string
  readonly projectId: number
  readonly hearth: Hearth
}

export interface MlflowTarget extends Target {
  readonly kind: 'mlflow'
  readonly mlflow: Mlflow
}

export const hearthOnSqlite = async (): Promise<HearthTarget> => {
  const folder = await temporaryFolder()
  return hearthTarget('Hearth', folder.path, {}, () => folderBytes(folder.path), [folder])
}

export const hearthOnPostgres = async (): Promise<HearthTarget> => {
  const [folder, database] = await Promise.all([temporaryFolder(), temporaryDatabase()])
  const bytes = async () => {
    const sql = new SQL(database.url, { max: 1 })
    const [row] = await sql`select pg_database_size(current_database()) as bytes`
    await sql.close()
    return Number(row.bytes)
  }
  const env = { DATABASE_URL: database.url }
  return hearthTarget('Hearth on PostgreSQL', folder.path, env, bytes, [folder, database])
}

const hearthTarget = async (
  name: string,
  dataDir: string,
  env: Record<string, string>,
  diskBytes: () => Promise<number>,
  resources: readonly AsyncDisposable[],
): Promise<HearthTarget> => {
  const hearth = await startHearth({
    dataDir,
    env: { ...env, RATE_LIMITS: 'off', LOG_LEVEL: 'warn' },
  })
  const { origin } = hearth
  const token = await signUp(origin)
  const project = { name: 'bench', description: '', is_public: false }
  const { id: projectId } = await callJson<{ id: number }>(
    origin,
    token,
    'POST',
    '/projects/',
    project,
  )
  return {
    kind: 'hearth',
    name,
    origin,
    token,
    projectId,
    hearth,
    diskBytes,
    async createRun(runName) {
      const path = `/runs/?project_id=${projectId}`
      const run = await callJson<{ id: number }>(origin, token, 'POST', path, { name: runName })
      return String(run.id)
    },
    async stop() {
      await hearth.end()
      for (const resource of resources) await resource[Symbol.asyncDispose]()
    },
  }
}

export const mlflowTarget = async (): Promise<MlflowTarget> => {
  const mlflow = await startMlflow()
  return {
    kind: 'mlflow',
    name: 'MLflow',
    origin: mlflow.origin,
    mlflow,
    createRun: mlflow.createRun,
    diskBytes: () => fileBytes(mlflow.database),
    stop: mlflow.stop,
  }
}

const folderBytes = async (folder: string): Promise<number> => {
  const paths = [...new Glob('**/*').scanSync({ cwd: folder, dot: true })]
  const sizes = await Promise.all(paths.map((path) => fileBytes(join(folder, path))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A file may go away while a folder is walked. */
const fileBytes = async (path: string): Promise<number> => {
  const info = await stat(path).catch(() => undefined)
  return info?.size ?? 0
}

/** The most memory a process ever held, in bytes, as the kernel of the machine counted it. */
export const peakMemoryBytes = async (pid: number): Promise<number> => memory(pid, 'VmHWM')

export const memoryBytes = async (pid: number): Promise<number> => memory(pid, 'VmRSS')

const memory = async (pid: number, field: string): Promise<number> => {
  const status = await Bun.file(`/proc/${pid}/status`).text()
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN) * 1024
}
