/** Who writes the programs of an experiment: a model when one is set, the built-in ladder else. */
import { type Database, HearthError, sql } from '../../../src/sdk.ts'
import type { Experiment } from '../experiment.ts'
import type { JournalStore } from '../journal/store.ts'
import type { Ledger } from '../models/ledger.ts'
import type { Models } from '../models/models.ts'
import { replayOf, unusedOf } from '../models/replay.ts'
import { createModelProposer } from './model/proposer.ts'
import type { Proposer } from './proposer.ts'

export interface ProposersOptions {
  readonly models: Models
  readonly ledger: Ledger
  readonly ladder: Proposer
  readonly db: Database
  readonly store: JournalStore
}

/** @throws HearthError `validation` when the settings ask for what is not there */
export const proposers =
  ({ models, ledger, ladder, db, store }: ProposersOptions) =>
  async ({ id, settings, ownerId }: Experiment): Promise<Proposer> => {
    const { proposer, replayFrom } = settings
    if (replayFrom !== undefined) {
      const rows = await db.rows(sql`
        select 1 from experiments_experiment where id = ${replayFrom} and owner_id = ${ownerId}`)
      if (rows.length === 0) throw invalid('replayFrom', `There is no experiment ${replayFrom}`)
      const recording = replayOf(await ledger.list(replayFrom), await store.load(replayFrom))
      return createModelProposer({ models, settings, recording })
    }
    if (proposer === 'built-in') return ladder
    const isThere = models.isConfigured
    const isNamed = Object.keys(settings.models).length > 0
    if (proposer === 'auto' && !isThere && !isNamed) return ladder
    if (!isThere) {
      throw invalid(
        isNamed ? 'models' : 'proposer',
        'No language model is set: set OPENAI_API_KEY, OPENAI_BASE_URL, ANTHROPIC_API_KEY, ' +
          'GEMINI_API_KEY, OPENROUTER_API_KEY or OLLAMA_HOST, or take the built-in proposer',
      )
    }
    const recording = unusedOf(await ledger.list(id), await store.load(id))
    return createModelProposer({ models, settings, recording })
  }

const invalid = (path: string, message: string): HearthError =>
  new HearthError('validation', `${path}: ${message}`, {
    issues: [{ path: `body.${path}`, message }],
  })
