/** A node with several executors: none of them keeps the others from working. */
import { expect, test } from 'bun:test'
import { Executors } from '../../../runners/agent/executors.ts'
import type { Executor, Probe } from '../../../runners/executor.ts'
import { type Logger, silentLogger } from '../../../src/kernel/log.ts'
import { fakeClock } from '../../../src/testing.ts'
import { scriptedExecutor } from './scripted-executor.ts'

const programs = scriptedExecutor(() => ({ reason: 'exited', exitCode: 0, signal: null })).executor

const engine = (probe: () => Promise<Probe>): Executor => ({ ...programs, name: 'docker', probe })

const whole: Probe = { sandboxes: ['docker'], reasons: {} }

test('one that hangs is left out, and said to', async () => {
  const clock = fakeClock()
  const hung = engine(() => new Promise<Probe>(() => {}))
  const executors = new Executors([programs, hung], { clock, log: silentLogger })
  const probed = executors.probe()
  clock.advance(15_000)
  await probed
  expect(executors.sandboxes).toEqual(['none'])
  expect(await executors.choose({ command: ['true'], sandbox: 'docker' })).toEqual({
    refused: 'This node has no sandbox docker: docker does not answer what it can do',
  })
})

test('what a node could and no longer can is in its log, once', async () => {
  const warned: unknown[] = []
  const log: Logger = { ...silentLogger, warn: (...said) => warned.push(said) }
  const gone: Probe = { sandboxes: [], reasons: { docker: 'The engine is down' } }
  const probes = [whole, gone, gone, whole]
  const coming = engine(async () => probes.shift() ?? whole)
  const executors = new Executors([programs, coming], { clock: fakeClock(), log })
  const seen: string[][] = []
  for (let n = 0; n < 4; n++) {
    await executors.probe()
    seen.push(executors.sandboxes)
  }
  expect(seen).toEqual([['none', 'docker'], ['none'], ['none'], ['none', 'docker']])
  expect(warned).toEqual([
    ['this node lost a sandbox', { level: 'docker', reason: 'The engine is down' }],
  ])
})
