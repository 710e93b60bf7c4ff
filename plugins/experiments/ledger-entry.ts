/** One call to a language model, as it is shown. */
export interface LedgerEntry {
  readonly id: string
  /** What it was for: `draft`, `review`, ... */
  readonly operator: string
  readonly role: string
  readonly model: string
  readonly prompt: string
  readonly reply: string
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly usd: number | null
  readonly latencyMs: number | null
  readonly error: string | null
  readonly at: number
}
