/** Starts shims, and has the next one ready: starting it takes longer than all else of a job. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownProgram } from '../own-program.ts'
import { identify, isRunning, type ProcessIdentity } from '../process/proc.ts'
import { writeWhole } from './attempt-state.ts'
import type { Launch, Told } from './launch.ts'

export const shimErrors = (folder: string): string => join(folder, 'shim.err')

const spareFile = (folder: string): string => join(folder, 'spare.json')

/** The ready-made shim that was given this attempt, if one was. */
export const readSpare = (folder: string): ProcessIdentity | null => {
  try {
    return JSON.parse(readFileSync(spareFile(folder), 'utf8')) as ProcessIdentity
  } catch {
    return null
  }
}

/** What has just begun is to have the processors first. */
const spareAfterMs = 25
/** Nobody keeps a process for jobs that do not come. */
const spareForMs = 600_000

interface Spare {
  readonly shim: ReturnType<typeof spawn>
  readonly identity: ProcessIdentity
}

/** Its own environment is bare: other programs of the same user can read it. */
const spawn = (
  argument: string,
  cwd: string,
  errors: number | 'ignore',
  env: Record<string, string>,
) => {
  const shim = Bun.spawn([...ownProgram(), 'shim', argument], {
    cwd,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...env },
    stdio: ['pipe', errors, errors],
    detached: true,
  })
  // It outlives this process, and must not hold it back.
  shim.unref()
  return shim
}

const spawnFor = (folder: string): Spare['shim'] => {
  const errors = openSync(shimErrors(folder), 'a', 0o600)
  try {
    return spawn(folder, folder, errors, { HEARTH_SHIM: folder })
  } finally {
    closeSync(errors)
  }
}

/** A shim that died before it was told anything shows when it is waited for. */
const hand = async (shim: Spare['shim'], told: Told): Promise<void> => {
  try {
    shim.stdin.write(JSON.stringify(told))
    await shim.stdin.end()
  } catch {
    await shim.exited
  }
}

export class Shims {
  readonly #keepSpare: boolean
  #spare: Spare | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(keepSpare: boolean) {
    this.#keepSpare = keepSpare
  }

  /** Begins the attempt; `exited` resolves when its shim has ended. */
  async start(folder: string, launch: Launch): Promise<{ readonly exited: Promise<unknown> }> {
    const shim = this.#give(folder) ?? spawnFor(folder)
    if (this.#keepSpare) this.#prepareNext()
    await hand(shim, { folder, launch })
    return { exited: shim.exited }
  }

  /** Written down before it is told anything: whoever comes after this process can end it. */
  #give(folder: string): Spare['shim'] | null {
    const spare = this.#spare
    this.#spare = null
    if (!spare || !isRunning(spare.identity)) return null
    closeSync(openSync(shimErrors(folder), 'a', 0o600))
    writeWhole(spareFile(folder), JSON.stringify(spare.identity))
    return spare.shim
  }

  #prepareNext(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const shim = spawn('--spare', '/', 'ignore', {})
      const identity = identify(shim.pid)
      this.#spare = identity && { shim, identity }
      this.#timer = setTimeout(() => this.#end(), spareForMs)
      this.#timer.unref()
    }, spareAfterMs)
    this.#timer.unref()
  }

  /** Told nothing, it ends by itself; so it does when this process dies. */
  #end(): void {
    const spare = this.#spare
    this.#spare = null
    void spare?.shim.stdin.end()
  }
}
