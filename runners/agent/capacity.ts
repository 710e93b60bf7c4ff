/** What this node offers to jobs, measured where it can be and as its owner said where not. */
import { hostname } from 'node:os'
import type { Capacity } from '../../src/jobs/protocol.ts'
import type { Executors } from './executors.ts'
import { findGpus, type Gpu } from './gpus.ts'
import { cpuCount, memoryBytes } from './memory.ts'

export interface CapacityOptions {
  /** Default: one job for each processor. */
  readonly slots?: number
  readonly labels: readonly string[]
}

/** Asks the executors too: a container engine may come and go. */
export const measureCapacity = async (
  executors: Executors,
  { slots, labels }: CapacityOptions,
  gpus: () => Promise<Gpu[]> = findGpus,
): Promise<Capacity> => {
  const [found] = await Promise.all([gpus(), executors.probe()])
  const cpus = cpuCount()
  return {
    slots: slots ?? Math.max(1, Math.floor(cpus)),
    cpus,
    memoryBytes: memoryBytes(),
    gpus: found,
    labels: [...new Set([...standardLabels(), ...labels])],
    sandboxes: executors.sandboxes,
  }
}

const standardLabels = (): string[] => [
  `os=${process.platform}`,
  `arch=${process.arch}`,
  `hostname=${hostname()}`,
]
