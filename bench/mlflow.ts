/** Starts MLflow's own server as a person would, on SQLite with its default workers. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, waitUntil } from '../scripts/port.ts'
import { virtualEnvironment } from '../scripts/services/python.ts'

const root = join(import.meta.dir, '..')

export interface Mlflow {
  readonly origin: string
  /** The SQLite file. */
  readonly database: string
  post(path: string, body: object): Promise<Record<string, unknown>>
  createRun(name: string): Promise<string>
  stop(): Promise<void>
}

export const startMlflow = async (): Promise<Mlflow> => {
  const python = await virtualEnvironment(
    join(root, '.cache/bench-venv'),
    join(root, 'bench/requirements.txt'),
  )
  const folder = await mkdtemp(join(tmpdir(), 'hearth-bench-mlflow-'))
  const database = join(folder, 'mlflow.db')
  const port = freePort()
  const origin = `http://127.0.0.1:${port}`
  const child = Bun.spawn(
    [
      join(python, '../mlflow'),
      'server',
      '--host',
      '127.0.0.1',
      '--port',
      `${port}`,
      '--backend-store-uri',
      `sqlite:///${database}`,
    ],
    {
      cwd: folder,
      env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true' },
      stdio: ['ignore', 'ignore', Bun.file(join(folder, 'log'))],
      // A group of its own: the workers must end with the server.
      detached: true,
    },
  )
  await waitUntil('MLflow', () => answers(`${origin}/health`), 120_000)

  const post = async (path: string, body: object) => {
    const reply = await fetch(`${origin}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
    return (await reply.json()) as Record<string, unknown>
  }
  return {
    origin,
    database,
    post,
    async createRun(name) {
      const body = { experiment_id: '0', run_name: name, start_time: Date.now() }
      const { run } = (await post('runs/create', body)) as { run: { info: { run_id: string } } }
      return run.info.run_id
    },
    async stop() {
      process.kill(-child.pid, 'SIGTERM')
      await child.exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const answers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}
