/** Finds out what other servers changed of jobs whose nodes wait here: by looking, now and then. */
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { Database } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { isActive, jobsWhere } from './rows.ts'
import type { Sessions } from './sessions.ts'

const lookMs = 250

/** SQLite has one server, which hears of everything itself. */
export const watchOthers = (options: {
  db: Database
  clock: Clock
  log: Logger
  sessions: Sessions
}): { stop(): void } => {
  const { db, clock, log, sessions } = options
  if (db.dialect === 'sqlite') return { stop: () => undefined }
  let looking = false
  const look = async (): Promise<void> => {
    if (looking) return
    looking = true
    try {
      const wished = await jobsWhere(db, sql`${isActive} and desired <> 'run'`)
      for (const job of wished) {
        const known = sessions.get(job.nodeId as string)?.active.get(job.id)
        if (known && known.version < job.version) sessions.jobChanged(known, job)
      }
    } catch (error) {
      log.warn('Changes of other servers could not be looked for', { error })
    } finally {
      looking = false
    }
  }
  const timer = clock.every(lookMs, () => void look())
  return { stop: () => timer.cancel() }
}
