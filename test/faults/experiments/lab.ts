/** A real server with experiments, on a Python that has scikit-learn; to be watched and killed. */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { must } from '../../../scripts/command.ts'
import { type Hearth, startHearth } from '../../../scripts/hearth.ts'
import { freePort } from '../../../scripts/port.ts'

const root = join(import.meta.dir, '../../..')
export const python = process.env['HEARTH_TEST_PYTHON'] ?? join(root, '.cache/test-venv/bin/python')

/** Folders that a sandbox must show for that Python to run. */
const shared = async (): Promise<string> => {
  const base = await must([python, '-c', 'import sys; print(sys.base_prefix)'], {})
  return [dirname(dirname(python)), base.trim()].join(':')
}

interface Envelope<T> {
  readonly success: boolean
  readonly data: T
}

export interface StepMessage {
  readonly type: string
  readonly data: { readonly seq: number; readonly node?: { readonly id: string } }
}

export class Lab {
  readonly #folder: string
  readonly #env: Record<string, string>
  readonly #args: readonly string[]
  #server: Hearth | undefined

  private constructor(folder: string, env: Record<string, string>, args: readonly string[]) {
    this.#folder = folder
    this.#env = env
    this.#args = args
  }

  static async open(folder: string, env: Record<string, string> = {}): Promise<Lab> {
    const config = join(folder, 'hearth.config.json')
    await mkdir(folder, { recursive: true })
    await Bun.write(config, JSON.stringify({ plugins: { experiments: { config: { python } } } }))
    const port = String(await freePort())
    const all = { HEARTH_SHARE: await shared(), PORT: port, LOG_LEVEL: 'warn', ...env }
    const lab = new Lab(folder, all, ['--config', config])
    await lab.start()
    return lab
  }

  get origin(): string {
    return this.#server?.origin ?? ''
  }

  async start(): Promise<void> {
    const dataDir = join(this.#folder, 'data')
    this.#server = await startHearth({ dataDir, env: this.#env, args: this.#args })
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#server?.end(signal)
    this.#server = undefined
  }

  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await fetch(`${this.origin}${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    const text = await reply.text()
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`)
    return (JSON.parse(text) as Envelope<T>).data
  }

  async upload(name: string, text: string): Promise<string> {
    const form = new FormData()
    form.append('files', new File([text], name))
    const reply = await fetch(`${this.origin}/api/upload`, { method: 'POST', body: form })
    const { data } = (await reply.json()) as Envelope<{ id: string }[]>
    return data[0]?.id ?? ''
  }

  /** The document's own client; `since` goes on where an earlier one was. */
  watch(id: string, since: number, hear: (message: StepMessage) => void): Socket {
    const socket = io(`${this.origin.replace('http', 'ws')}/ws/experiments/${id}`, {
      auth: { since },
      reconnection: false,
    })
    socket.onAny((_event, message: StepMessage) => hear(message))
    return socket
  }
}
