/** One connection to an SQLite file, with its statements kept by their text. */
import { Database as Handle, type SQLQueryBindings, type Statement } from 'bun:sqlite'
import { noteStatement } from './errors.ts'
import { sqliteError } from './sqlite-errors.ts'

/** Enough for every fixed text of a server; texts built per call push each other out. */
const maxStatements = 400

export class Connection {
  readonly #handle: Handle
  readonly #path: string
  readonly #statements = new Map<string, Statement>()

  constructor(path: string, options?: number) {
    this.#path = path
    this.#handle = options === undefined ? new Handle(path) : new Handle(path, options)
  }

  get inTransaction(): boolean {
    return this.#handle.inTransaction
  }

  rows(text: string, params: unknown[]): unknown[] {
    return this.#guard(text, () => this.#statement(text).all(...(params as SQLQueryBindings[])))
  }

  values(text: string, params: unknown[]): unknown[][] {
    return this.#guard(text, () => this.#statement(text).values(...(params as SQLQueryBindings[])))
  }

  run(text: string, params: unknown[]): number {
    return this.#guard(
      text,
      () => this.#statement(text).run(...(params as SQLQueryBindings[])).changes,
    )
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize()
    this.#statements.clear()
    this.#handle.close(true)
  }

  #guard<T>(text: string, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw noteStatement(sqliteError(error, this.#path), text)
    }
  }

  #statement(text: string): Statement {
    const known = this.#statements.get(text)
    if (known) {
      this.#statements.delete(text)
      this.#statements.set(text, known)
      return known
    }
    if (this.#statements.size >= maxStatements) this.#forgetOldest()
    const statement = this.#handle.prepare(text)
    this.#statements.set(text, statement)
    return statement
  }

  #forgetOldest(): void {
    const oldest = this.#statements.entries().next().value
    if (!oldest) return
    this.#statements.delete(oldest[0])
    oldest[1].finalize()
  }
}
