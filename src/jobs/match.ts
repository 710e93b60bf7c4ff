/** Which job fits on which node: pure, and the only place that counts what is free. */
import type { Capacity, Plan } from './protocol.ts'

/** What a job asks of a node, in one flat form. */
export interface Demand {
  readonly cpus: number
  readonly memoryBytes: number
  readonly gpus: number
  readonly gpuMemoryBytes: number
  readonly gpuModel: string | null
  readonly labels: readonly string[]
  /** Any of these will do; empty: whatever the node has. */
  readonly sandboxes: readonly string[]
}

/** Limits ask for as much as they allow, unless the needs say otherwise. */
export const demandOf = ({ needs = {}, limits = {}, sandbox, image }: Plan): Demand => ({
  cpus: needs.cpus ?? limits.cpus ?? 0,
  memoryBytes: needs.memoryBytes ?? limits.memoryBytes ?? 0,
  gpus: needs.gpus ?? 0,
  gpuMemoryBytes: needs.gpuMemoryBytes ?? 0,
  gpuModel: needs.gpuModel?.toLowerCase() ?? null,
  labels: [...(needs.labels ?? [])].sort(),
  sandboxes: image !== undefined ? ['docker'] : sandbox === undefined ? [] : [sandbox],
})

/** Jobs of equal shape fit the same nodes. */
export const shapeOf = (demand: Demand): string =>
  new Bun.CryptoHasher('sha256').update(JSON.stringify(demand)).digest('hex').slice(0, 16)

export type Gpu = Capacity['gpus'][number]

/** What a node has left. */
export interface Free {
  readonly slots: number
  readonly cpus: number
  readonly memoryBytes: number
  readonly gpus: readonly Gpu[]
  readonly labels: ReadonlySet<string>
  readonly sandboxes: ReadonlySet<string>
}

/** What an attempt takes of its node. */
export interface Taken {
  readonly demand: Demand
  readonly gpus: readonly string[]
}

/** Jobs that ask for a part of a processor share a slot: they mean to run beside others. */
const slotsOf = ({ cpus }: Demand): number => (cpus > 0 ? Math.min(1, cpus) : 1)

/** Fractions add up to a little more than they should. */
const slack = 1e-6

export const freeOf = (capacity: Capacity, taken: readonly Taken[]): Free => {
  const leased = new Set(taken.flatMap(({ gpus }) => gpus))
  const sum = (of: (demand: Demand) => number): number =>
    taken.reduce((total, { demand }) => total + of(demand), 0)
  return {
    slots: capacity.slots - sum(slotsOf),
    cpus: capacity.cpus - sum(({ cpus }) => cpus),
    memoryBytes: capacity.memoryBytes - sum(({ memoryBytes }) => memoryBytes),
    gpus: capacity.gpus.filter(({ uuid }) => !leased.has(uuid)),
    labels: labelsOf(capacity.labels),
    sandboxes: new Set(capacity.sandboxes),
  }
}

/** `gpu=h100` answers to the label `gpu` as well. */
const labelsOf = (labels: readonly string[]): Set<string> =>
  new Set(labels.flatMap((label) => [label, label.split('=', 1)[0] as string]))

const suits = ({ gpuMemoryBytes, gpuModel }: Demand, gpu: Gpu): boolean =>
  gpu.memoryBytes >= gpuMemoryBytes &&
  (gpuModel === null || gpu.model.toLowerCase().includes(gpuModel))

/** The GPUs to lease, smallest first; null when the job does not fit. */
export const fit = (demand: Demand, free: Free): readonly string[] | null => {
  if (slotsOf(demand) > free.slots + slack) return null
  if (demand.cpus > free.cpus + slack || demand.memoryBytes > free.memoryBytes) return null
  if (!demand.labels.every((label) => free.labels.has(label))) return null
  const { sandboxes } = demand
  if (sandboxes.length > 0 && !sandboxes.some((level) => free.sandboxes.has(level))) return null
  if (demand.gpus === 0) return []
  const usable = free.gpus.filter((gpu) => suits(demand, gpu))
  if (usable.length < demand.gpus) return null
  const smallest = usable.toSorted((a, b) => a.memoryBytes - b.memoryBytes)
  return smallest.slice(0, demand.gpus).map(({ uuid }) => uuid)
}

/** What a node of this capacity lacks for the job even when it is idle; null when it would do. */
export const lacks = (demand: Demand, capacity: Capacity): string | null => {
  const idle = freeOf(capacity, [])
  if (fit(demand, { ...idle, slots: 1 }) !== null) return null
  const { sandboxes, labels, gpus } = demand
  if (sandboxes.length > 0 && !sandboxes.some((level) => idle.sandboxes.has(level))) {
    return `the sandbox ${sandboxes.join(' or ')}`
  }
  const label = labels.find((wanted) => !idle.labels.has(wanted))
  if (label !== undefined) return `the label ${label}`
  const usable = idle.gpus.filter((gpu) => suits(demand, gpu)).length
  if (usable < gpus) return usable > 0 ? `${gpus} such GPUs at once` : `${gpus} such GPU(s)`
  if (demand.memoryBytes > idle.memoryBytes) {
    return `${(demand.memoryBytes / 2 ** 30).toFixed(1)} GiB of memory`
  }
  return `${demand.cpus} CPUs`
}

/** Whether even a small job finds no place any more. */
export const isFull = ({ slots }: Free): boolean => slots <= slack

/** What is left once a job that fits has moved in. */
export const take = (free: Free, demand: Demand, gpus: readonly string[]): Free => ({
  ...free,
  slots: free.slots - slotsOf(demand),
  cpus: free.cpus - demand.cpus,
  memoryBytes: free.memoryBytes - demand.memoryBytes,
  gpus: free.gpus.filter(({ uuid }) => !gpus.includes(uuid)),
})

/** Whether `a` is the tighter place: GPUs are the scarcest, then slots, processors, memory. */
export const isTighter = (a: Free, b: Free): boolean => {
  const order = [
    a.gpus.length - b.gpus.length,
    a.slots - b.slots,
    a.cpus - b.cpus,
    a.memoryBytes - b.memoryBytes,
  ]
  return (order.find((difference) => difference !== 0) ?? 0) < 0
}
