/** What a node is to be told at its next sync: pure, from what is known and what it holds. */
import type { Session } from './sessions.ts'
import type { SyncReply, SyncRequest } from './protocol.ts'
import type { Job } from './rows.ts'

export type Holding = SyncRequest['holding'][number]

export interface Draft {
  /** Assigned to the node, which does not hold them yet. */
  readonly work: readonly Job[]
  readonly want: SyncReply['want']
  readonly drop: SyncReply['drop']
  /** `job/attempt` and what is said of it: to find out whether it is news. */
  readonly says: ReadonlyMap<string, string>
}

export const attemptKey = (job: string, attempt: number): string => `${job}/${attempt}`

export const draftReply = (
  { active, accepting }: Pick<Session, 'active' | 'accepting'>,
  holding: readonly Holding[],
): Draft => {
  const says = new Map<string, string>()
  const work: Job[] = []
  const want: SyncReply['want'] = []
  const drop: SyncReply['drop'] = []
  const held = new Set<string>()
  for (const { job, attempt } of holding) {
    const key = attemptKey(job, attempt)
    held.add(key)
    const mine = active.get(job)
    if (mine?.attempt === attempt) {
      want.push({ job, attempt, desired: mine.desired })
      says.set(key, mine.desired)
    } else {
      drop.push({ job, attempt })
      says.set(key, 'drop')
    }
  }
  for (const job of active.values()) {
    const key = attemptKey(job.id, job.attempt)
    if (job.state !== 'assigned' || held.has(key) || !accepting) continue
    work.push(job)
    says.set(key, 'work')
  }
  return { work, want, drop, says }
}

/** `news`: it was not told this yet. `again`: it was, and has not acted on it. */
export const urgency = (
  says: ReadonlyMap<string, string>,
  told: ReadonlyMap<string, string>,
): 'news' | 'again' | 'nothing' => {
  let again = false
  for (const [key, word] of says) {
    const before = told.get(key)
    const isQuiet = word === 'run' && (before === undefined || before === 'work')
    if (isQuiet || (word === 'run' && before === 'run')) continue
    if (word !== before) return 'news'
    again = true
  }
  return again ? 'again' : 'nothing'
}
