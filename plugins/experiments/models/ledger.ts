/** Every call to a model: written down before its reply is used, so that none is paid twice. */
import { type Clock, type Database, type Migration, sql } from '../../../src/sdk.ts'
import type { LedgerEntry } from '../ledger-entry.ts'

export const ledgerMigrations: readonly Migration[] = [
  {
    name: '0003_calls',
    up: ({ big, real }) => `
create table experiments_call (
  id text not null primary key,
  experiment_id text not null references experiments_experiment (id) on delete cascade,
  step ${big} not null,
  operator text not null,
  role text not null,
  model text not null,
  prompt text not null,
  reply text not null,
  tool text,
  input_tokens ${big},
  output_tokens ${big},
  usd ${real},
  latency_ms ${real},
  error text,
  at ${big} not null
);
create index experiments_call_experiment on experiments_call (experiment_id, at, id);
`,
  },
]

export interface Call extends LedgerEntry {
  readonly experimentId: string
  readonly step: number
  /** What was handed to the tool, as JSON. */
  readonly tool: string | null
}

export interface Spent {
  readonly calls: number
  readonly tokens: number
  readonly usd: number
}

interface CallRow {
  readonly id: string
  readonly experiment_id: string
  readonly step: number
  readonly operator: string
  readonly role: string
  readonly model: string
  readonly prompt: string
  readonly reply: string
  readonly tool: string | null
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  readonly usd: number | null
  readonly latency_ms: number | null
  readonly error: string | null
  readonly at: number
}

export class Ledger {
  readonly #db: Database
  readonly #clock: Clock

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  async write(call: Omit<Call, 'id' | 'at'>): Promise<string> {
    const at = this.#clock.now()
    // In order of time by itself: calls of one moment keep the order in which they were written.
    const id = `call_${Bun.randomUUIDv7()}`
    await this.#db.run(sql`
      insert into experiments_call (id, experiment_id, step, operator, role, model, prompt, reply,
        tool, input_tokens, output_tokens, usd, latency_ms, error, at)
      values (${id}, ${call.experimentId}, ${call.step}, ${call.operator}, ${call.role},
        ${call.model}, ${call.prompt}, ${call.reply}, ${call.tool}, ${call.inputTokens},
        ${call.outputTokens}, ${call.usd}, ${call.latencyMs}, ${call.error}, ${at})`)
    return id
  }

  async list(experimentId: string): Promise<Call[]> {
    const rows = await this.#db.rows<CallRow>(sql`
      select * from experiments_call where experiment_id = ${experimentId} order by at, id`)
    return rows.map((row) => ({
      id: row.id,
      experimentId: row.experiment_id,
      step: row.step,
      operator: row.operator,
      role: row.role,
      model: row.model,
      prompt: row.prompt,
      reply: row.reply,
      tool: row.tool,
      inputTokens: row.input_tokens,
      outputTokens: row.output_tokens,
      usd: row.usd,
      latencyMs: row.latency_ms,
      error: row.error,
      at: row.at,
    }))
  }

  async spent(experimentId: string): Promise<Spent> {
    const [row] = await this.#db.rows<{
      calls: number
      tokens: number | null
      usd: number | null
    }>(sql`
      select count(*) as calls,
             sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as tokens,
        sum(usd) as usd from experiments_call where experiment_id = ${experimentId}`)
    return {
      calls: Number(row?.calls ?? 0),
      tokens: Number(row?.tokens ?? 0),
      usd: Number(row?.usd ?? 0),
    }
  }
}
