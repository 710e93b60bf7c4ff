/** The server of a simulation: the real engine and its routes, killed and begun again at will. */
import { streamMigrations } from '../../src/jobs/attempt-log-migrations.ts'
import { type Command, runCommand } from '../../src/jobs/commands.ts'
import { createEngine, type Engine } from '../../src/jobs/engine.ts'
import { engineMigrations } from '../../src/jobs/migrations.ts'
import { openStreams } from '../../src/jobs/streams-open.ts'
import type { StreamsHost } from '../../src/jobs/streams.ts'
import type { Submission } from '../../src/jobs/submission.ts'
import { rememberContext } from '../../src/kernel/context.ts'
import { HearthError } from '../../src/kernel/errors.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import type { Blobs } from '../../src/storage/blobs.ts'
import type { Database, Transaction } from '../../src/storage/database.ts'
import { UnavailableError } from '../../src/storage/errors.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { Life, never, stirred } from './life.ts'
import { contentOf, handle, type Served } from './routes.ts'
import { clockOf, type VirtualTime, type WallClock } from './time.ts'

const user = { id: 1, username: 'sim', isSuperuser: true, via: 'local' } as const
export const lostAfterMs = 15_000

export interface ServerOptions {
  readonly time: VirtualTime
  readonly db: Database
  readonly blobs: Blobs
  readonly dataDir: string
}

export const migrateServer = (db: Database) =>
  migrate(db, [{ plugin: 'jobs', migrations: [...engineMigrations, ...streamMigrations] }])

export class SimServer {
  readonly wall: WallClock = { skewMs: 0 }
  life = new Life()
  /** Answers that no server should give, and errors nobody expected. */
  readonly troubles: string[] = []
  /** Grows with every write of the database. */
  writes = 0
  readonly #options: ServerOptions
  #served: Served | null = null

  constructor(options: ServerOptions) {
    this.#options = options
  }

  get isUp(): boolean {
    return this.#served !== null && !this.life.isOver
  }

  get engine(): Engine {
    if (!this.#served) throw new Error('The server is down')
    return this.#served.engine
  }

  async boot(): Promise<void> {
    const { time, blobs, dataDir } = this.#options
    const life = new Life()
    this.life = life
    const clock = clockOf(time, this.wall, life)
    const db = mortal(this.#options.db, life, () => this.writes++)
    const live = { publish: () => undefined, advance: () => undefined, needsData: () => false }
    let host: StreamsHost | undefined
    const engine = createEngine({
      db,
      clock,
      log: silentLogger,
      sealer: { seal: async () => '', open: async () => ({}) },
      runners: () => new Map(),
      openStreams(given) {
        host = given
        return openStreams({ db, blobs, dataDir, clock, log: silentLogger, live, host })
      },
      limits: { perUser: null, perProject: null },
      retention: { maxAgeMs: null, maxEnded: null },
      lostAfterMs,
      maxQueuedPerOwner: 1000,
    })
    await engine.start()
    const refuse = (error: unknown) => this.#refuse(error)
    const content = contentOf({ db, blobs, clock })
    this.#served = { engine, host: host as StreamsHost, blobs, refuse, ...content }
  }

  /** What a killed server would have answered is never said. */
  async answer(path: string, init: RequestInit): Promise<Response> {
    const life = this.life
    stirred()
    if (!this.#served || life.isOver) return never
    const isHead = init.method === 'HEAD'
    const url = `http://server${path}`
    const request = new Request(url, { ...init, method: isHead ? 'GET' : (init.method ?? 'GET') })
    rememberContext(request, { id: '', method: init.method ?? 'GET', ip: '', who: null })
    const response = await handle(this.#served, request)
    stirred()
    if (life.isOver) return never
    return isHead ? new Response(null, response) : response
  }

  async submit(submission: Submission): Promise<void> {
    await this.engine.submit(user, submission)
  }

  /** A refusal is an answer like any other. */
  async command(jobId: string, command: Command): Promise<void> {
    await runCommand(this.engine.commands, user, jobId, command).catch((error: unknown) => {
      if (!(error instanceof HearthError)) throw error
    })
  }

  #refuse(error: unknown): Response {
    if (error instanceof HearthError) {
      if (error.status === 422 || error.status === 400) this.troubles.push(error.message)
      return Response.json({ detail: error.message, code: error.code }, { status: error.status })
    }
    const isPassing = error instanceof UnavailableError
    if (!isPassing && !this.life.isOver) this.troubles.push(String(error))
    return Response.json({ detail: String(error), code: 'internal' }, { status: 503 })
  }
}

class Killed extends Error {}

/** A database that a process may be killed at: what was not committed by then is not there. */
const mortal = (db: Database, life: Life, wrote: () => void): Database => {
  const one = <T>(work: () => Promise<T>): Promise<T> => {
    stirred()
    return life.acts() ? work() : never
  }
  const inside = (tx: Transaction): Transaction => {
    const guard = async <T>(work: () => Promise<T>): Promise<T> => {
      stirred()
      if (!life.acts()) throw new Killed()
      return work()
    }
    return {
      dialect: tx.dialect,
      query: tx.query,
      rows: (statement) => guard(() => tx.rows(statement)),
      run: (statement) => guard(() => tx.run(statement)),
      lock: (name) => guard(() => tx.lock(name)),
    }
  }
  return {
    dialect: db.dialect,
    query: db.query,
    rows: (statement) => one(() => db.rows(statement)),
    run: (statement) => one(() => db.run(statement)),
    async transaction(work) {
      stirred()
      try {
        const result = await db.transaction(async (tx) => {
          const killed = life.over.then(() => Promise.reject(new Killed()))
          const done = await Promise.race([work(inside(tx)), killed])
          if (!life.acts()) throw new Killed()
          return done
        })
        wrote()
        return life.acts() ? result : never
      } catch (error) {
        if (life.isOver) return never
        throw error
      }
    },
    close: async () => undefined,
  }
}
