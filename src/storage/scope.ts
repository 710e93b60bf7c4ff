/** Knows whether a call comes from inside a transaction, where it would wait for itself forever. */
import { AsyncLocalStorage } from 'node:async_hooks'

/** The life of one transaction. */
export interface Scope {
  open: boolean
  /** The first statement that failed: it dooms the transaction, on SQLite as on PostgreSQL. */
  failure: unknown
}

export class Scopes {
  readonly #current = new AsyncLocalStorage<Scope>()

  /** @throws when the caller is inside a transaction that is still open */
  refuseInside(what: string): void {
    if (this.#current.getStore()?.open) {
      throw new Error(`${what} inside a transaction: use the \`tx\` that was handed in`)
    }
  }

  /** Runs `work` so that `refuseInside` knows; rejects with the first failure of a statement too. */
  async run<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
    const result = await this.#current.run(scope, work)
    if (scope.failure !== undefined) throw scope.failure
    return result
  }
}
