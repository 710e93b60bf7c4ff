/** The life of a transaction: what may still be said in it, and who speaks from inside of it. */
import { AsyncLocalStorage } from 'node:async_hooks'

export class Scope {
  #isOpen = true
  #failure: { error: unknown } | undefined

  get isOpen(): boolean {
    return this.#isOpen
  }

  /**
   * Runs one statement. The first that fails dooms the transaction, as PostgreSQL has it: later
   * ones fail alike and are not sent, on SQLite too, so that a plugin behaves the same on both.
   */
  async within<T>(statement: () => T | Promise<T>): Promise<T> {
    if (!this.#isOpen) throw new Error('This transaction is over')
    this.refuseDoomed()
    try {
      return await statement()
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }

  /** No statement from here on. */
  close(): void {
    this.#isOpen = false
  }

  refuseDoomed(): void {
    if (this.#failure) throw this.#failure.error
  }
}

export class Scopes {
  readonly #current = new AsyncLocalStorage<Scope>()

  /** @throws when the caller is inside an open transaction: it might wait for itself */
  refuseInside(what: string): void {
    if (this.#current.getStore()?.isOpen) {
      throw new Error(`${what} inside a transaction: use the \`tx\` that was handed in`)
    }
  }

  /** Runs the work of a transaction, closes its scope; resolves only when it may commit. */
  async run<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
    try {
      const result = await this.#current.run(scope, work)
      scope.refuseDoomed()
      return result
    } finally {
      scope.close()
    }
  }
}
