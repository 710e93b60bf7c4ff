/** Breaks things, one after the other, as a seed has it, and mends them again. */
import { kill, processesOf } from './processes.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export interface Damage {
  server: number
  agents: number
  shims: number
  cuts: number
  slow: number
}

export interface StormOptions {
  readonly world: World
  readonly folder: string
  readonly random: Random
  /** Things to break. */
  readonly blows: number
  /** The longest wait before the next one. */
  readonly calmMs: number
  /** A shim is killed no more often: what it watches is lost by that. */
  readonly maxShims: number
  readonly isOver: () => boolean
}

/** Resolves when everything runs again and every link is whole. */
export const storm = async (options: StormOptions): Promise<Damage> => {
  const { world, random, blows, calmMs, isOver } = options
  const damage: Damage = { server: 0, agents: 0, shims: 0, cuts: 0, slow: 0 }
  const repairs = new Set<Promise<void>>()
  const broken = new Set<unknown>()
  const breaking = async (what: unknown, act: () => Promise<void>): Promise<void> => {
    if (broken.has(what)) return
    broken.add(what)
    const repaired = act().finally(() => broken.delete(what))
    repairs.add(repaired)
    // Awaited at the end; until then it must not count as forgotten.
    repaired.catch(() => undefined).finally(() => repairs.delete(repaired))
  }
  const kinds: Readonly<Record<keyof Damage, () => Promise<void>>> = {
    server: () =>
      breaking(world, async () => {
        await world.killServer()
        damage.server++
        await Bun.sleep(random.between(0, 3000))
        await world.startServer()
      }),
    agents: async () => {
      const node = random.pick(world.nodes)
      if (!node) return
      await breaking(node, async () => {
        await node.end('SIGKILL')
        damage.agents++
        await Bun.sleep(random.chance(0.4) ? random.between(3000, 12_000) : random.between(0, 1500))
        node.start()
      })
    },
    shims: async () => {
      if (damage.shims >= options.maxShims) return
      const shims = processesOf(options.folder).filter(({ kind }) => kind === 'shim')
      const shim = random.pick(shims)
      if (shim && kill(shim.pid)) damage.shims++
    },
    cuts: async () => {
      const link = random.pick(world.nodes)?.link
      if (!link) return
      await breaking(link, async () => {
        link.cut()
        damage.cuts++
        await Bun.sleep(random.between(100, 9000))
        link.mend()
      })
    },
    slow: async () => {
      const link = random.pick(world.nodes)?.link
      if (!link) return
      await breaking(link, async () => {
        link.slow(random.between(20, 400))
        damage.slow++
        await Bun.sleep(random.between(500, 3000))
        link.slow(0)
      })
    },
  }
  const choices = ['server', 'agents', 'agents', 'shims', 'cuts', 'cuts', 'slow'] as const
  for (let blow = 0; blow < blows && !isOver(); blow++) {
    await Bun.sleep(random.between(50, calmMs))
    await kinds[random.pick(choices) ?? 'agents']()
  }
  await Promise.all(repairs)
  return damage
}
