/** What `hearth doctor` tries of sandboxes: small programs that must not get out of them. */
import { createLocalExecutor } from '../../runners/local.ts'
import { probeHost } from '../../runners/sandbox/probe.ts'
import { whyCold } from '../../runners/warm/warm-pythons.ts'
import type { Finding } from './doctor-checks.ts'

export const checkSandboxes = async (): Promise<Finding> => {
  const { sandboxes, reasons } = await createLocalExecutor().probe()
  const missing = Object.entries(reasons).map(([level, reason]) => `${level}: ${reason}`)
  const detail = `${sandboxes.join(', ') || 'none'} proven`
  return missing.length === 0
    ? { name: 'sandboxes', status: 'ok', detail }
    : { name: 'sandboxes', status: 'warn', detail, fix: missing.join('; ') }
}

/** Slower, never wrong: nothing to warn of. */
export const checkWarmStart = async (): Promise<Finding> => {
  const reason = whyCold(await probeHost())
  const detail =
    reason === null ? 'Python programs begin warm' : `every Python starts cold: ${reason}`
  return { name: 'warm start', status: 'ok', detail }
}
