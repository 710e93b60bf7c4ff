/**
 * What was played and said, by what was asked: the search is a function of it, so a training that
 * goes on runs the same search again, and only what is missing costs anything.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { TrainingSettings } from '../settings.ts'
import type { Played } from './play.ts'

const format = 1

interface Written {
  readonly format: number
  readonly settings: TrainingSettings
  readonly played: readonly (readonly [string, Played])[]
  readonly said: readonly (readonly [string, string])[]
  readonly elapsedMs: number
}

export class Ledger {
  readonly #settings: TrainingSettings
  readonly #played = new Map<string, Played>()
  readonly #said = new Map<string, string>()
  /** Of earlier attempts. */
  elapsedMs = 0

  constructor(settings: TrainingSettings) {
    this.#settings = settings
  }

  /** How many episodes it has. */
  get episodes(): number {
    return this.#played.size
  }

  /** Mean reward of those that came last. */
  meanReward(window: number): number {
    const last = [...this.#played.values()].slice(-window)
    return last.reduce((sum, { reward }) => sum + reward, 0) / Math.max(1, last.length)
  }

  async played(key: string, play: () => Promise<Played>): Promise<Played> {
    const known = this.#played.get(key)
    if (known) return known
    const fresh = await play()
    // What is said in the others is never looked at.
    const kept = key.includes('/train/') ? fresh : { ...fresh, messages: [] }
    this.#played.set(key, kept)
    return kept
  }

  async said(key: string, say: () => Promise<string>): Promise<string> {
    const known = this.#said.get(key)
    if (known !== undefined) return known
    const fresh = await say()
    this.#said.set(key, fresh)
    return fresh
  }

  /** Of everything in it, in whatever order it came. */
  get digest(): string {
    const sorted = [...this.#played].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return new Bun.CryptoHasher('sha256')
      .update(JSON.stringify([sorted, [...this.#said]]))
      .digest('hex')
  }

  /** Whole or not at all. */
  save(path: string, elapsedMs: number): void {
    const written: Written = {
      format,
      settings: this.#settings,
      played: [...this.#played],
      said: [...this.#said],
      elapsedMs,
    }
    writeFileSync(`${path}.new`, JSON.stringify(written))
    renameSync(`${path}.new`, path)
  }

  /** @throws Error what is wrong with it, in words */
  restore(path: string): void {
    const {
      format: made,
      settings,
      played,
      said,
      elapsedMs,
    } = JSON.parse(readFileSync(path, 'utf8')) as Written
    if (made !== format) throw new Error(`The checkpoint is of format ${made}, not ${format}`)
    if (JSON.stringify(settings) !== JSON.stringify(this.#settings)) {
      throw new Error('The checkpoint is of a training with other settings')
    }
    for (const [key, one] of played) this.#played.set(key, one)
    for (const [key, one] of said) this.#said.set(key, one)
    this.elapsedMs = elapsedMs
  }
}
