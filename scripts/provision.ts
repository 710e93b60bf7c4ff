/** Makes sure that what the suite needs is there, and says loudly what is not. */
import { say } from './say.ts'
import { chromium } from './services/chromium.ts'
import { docker } from './services/docker.ts'
import { harnesses } from './services/harnesses.ts'
import { openEnv } from './services/openenv.ts'
import { postgres } from './services/postgres.ts'
import { programs } from './services/programs.ts'
import { python } from './services/python.ts'
import { redis } from './services/redis.ts'
import type { Service } from './services/service.ts'
import { torch } from './services/torch.ts'

export interface Provisions {
  /** Variables that lead the tests to the services. */
  readonly env: Readonly<Record<string, string>>
  /** Ends what was started here. */
  stop(): Promise<void>
}

const wanted: readonly (readonly [key: string, get: () => Promise<Service>])[] = [
  ['postgres', postgres],
  ['redis', redis],
  ['python', python],
  ['torch', torch],
  ['harnesses', harnesses],
  ['openenv', openEnv],
  ['programs', programs],
  ['chromium', chromium],
  ['docker', docker],
]

/**
 * One after the other, because they may share apt-get's lock. Under CI a missing service fails
 * the run; elsewhere `HEARTH_TEST_WITHOUT` names it and the tests that need it are skipped.
 */
export const provision = async (): Promise<Provisions> => {
  const services: Service[] = []
  const missing: string[] = []
  for (const [key, get] of wanted) {
    try {
      const service = await get()
      services.push(service)
      say(`${service.name}: ${service.note}`)
    } catch (error) {
      if (process.env['CI'] === 'true') throw error
      missing.push(key)
      say(`${key.toUpperCase()} IS MISSING, its tests are skipped: ${(error as Error).message}`)
    }
  }
  return {
    env: {
      ...Object.assign({}, ...services.map((service) => service.env)),
      ...(missing.length > 0 && { HEARTH_TEST_WITHOUT: missing.join(',') }),
    },
    stop: async () => {
      await Promise.all(services.map((service) => service.stop()))
    },
  }
}
