/** Opens environments that are no part of this program: each kind has a process that speaks it. */
import { ownProgram } from '../own-program.ts'
import gymnasium from '../python/gymnasium_environment.py' with { type: 'text' }
import { EnvironmentChild } from './child.ts'
import { OutsideEnvironments } from './environments.ts'

/** What is wanted of it, for its process to read. */
export interface Wanted {
  readonly kind: 'gymnasium' | 'openenv'
}

/** @throws Error why it cannot be had, in its own words. `python`: absent, that of PATH. */
export const openEnvironments = (wanted: Wanted, python?: string): OutsideEnvironments => {
  const child = new EnvironmentChild(commands[wanted.kind](python))
  try {
    return new OutsideEnvironments(child, wanted)
  } catch (error) {
    child.end()
    throw error
  }
}

const commands: Readonly<Record<Wanted['kind'], (python?: string) => string[]>> = {
  // No file of its own: nothing to be placed, nothing to be cleared away.
  gymnasium: (python = Bun.which('python') ?? 'python3') => [python, '-c', gymnasium],
  openenv: () => [...ownProgram(), 'environment', 'bridge'],
}
