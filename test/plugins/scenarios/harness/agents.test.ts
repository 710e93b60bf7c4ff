/** Agents of each framework, real ones, play through a gateway: each talks in its own way. */
import { describe, expect } from 'bun:test'
import { dirname, join } from 'node:path'
import { scenarioOf, scenarios } from '../../../../plugins/scenarios/catalogue.ts'
import type { Scenario } from '../../../../plugins/scenarios/environment.ts'
import { play } from '../../../../plugins/scenarios/episodes/play.ts'
import type { Decide } from '../../../../plugins/scenarios/gateway/chat-model.ts'
import type { RolloutEvent } from '../../../../plugins/scenarios/gateway/events.ts'
import { HarnessRollouts } from '../../../../plugins/scenarios/harness/rollouts.ts'
import { startHarness } from '../../../../runners/harness/start.ts'
import { testWith } from '../../../faults/needs.ts'
import { harnessPythons } from '../../../python/harnesses.ts'

const modules = join(import.meta.dir, '../../../../runners/python')
const spoken = scenarios.filter(({ conversation }) => conversation !== null)
const frameworks = ['LangChain', 'AutoGen', 'CrewAI'] as const
type Spoken = (typeof frameworks)[number]

const environmentOf = (framework: Spoken) => {
  if (framework === 'LangChain') return process.env
  const path = `${dirname(harnessPythons[framework])}:${process.env['PATH']}`
  return { ...process.env, PATH: path, PYTHONPATH: modules }
}

/** Answered by the oracle unless told otherwise; `ids` are of rollouts that it was asked in. */
const open = (framework: Spoken, scenario: Scenario, other?: Decide) => {
  const ids: string[] = []
  const oracle: Decide = (_, __, { environment, order }) => {
    if (ids.at(-1) !== order.id) ids.push(order.id)
    return { action: environment.oracle() }
  }
  const decide = other ?? oracle
  const start = (name: string, gateway: string) =>
    startHarness(name, gateway, environmentOf(framework))
  const rollouts = new HarnessRollouts({ scenario, framework, start, decide })
  return { rollouts, ids }
}

interface Recorded {
  readonly userAgent: string
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  readonly tools: readonly { readonly function: { readonly parameters: object } }[]
}

const recorded = new Map<Spoken, Recorded>()

describe.each(frameworks)('%s', (framework) => {
  const test = testWith(...(framework === 'LangChain' ? [] : (['harnesses'] as const)))

  test.each(spoken.map((one) => [one.spec.id, one] as const))(
    'plays %s as the oracle that answers it',
    async (_, scenario) => {
      const { rollouts, ids } = open(framework, scenario)
      try {
        for (const episode of [0, 1]) {
          const { steps, verdict } = await rollouts.play('test', episode)
          const native = play(scenario, 'oracle', 'test', episode)
          expect({ verdict, actions: steps.map(({ action }) => action) }).toEqual({
            verdict: native.verdict,
            actions: native.steps.map(({ action }) => action),
          })
        }
        const [first = ''] = ids
        const { events } = (await (await fetch(`${rollouts.url}/rollouts/${first}`)).json()) as {
          events: readonly RolloutEvent[]
        }
        const chats = events.filter(({ type }) => type === 'chat')
        expect(events.map(({ type }) => type).slice(0, 2)).toEqual(['chat', 'tool'])
        if (scenario.spec.id === 'customer_support') {
          recorded.set(framework, chats[0] as unknown as Recorded)
        }
      } finally {
        await rollouts.close()
      }
    },
    120_000,
  )

  test('goes in circles in one episode, and plays the next', async () => {
    const scenario = scenarioOf('code_review')
    if (!scenario) throw new Error('The scenario is gone')
    let isLost = true
    const decide: Decide = (_, __, { environment }) => ({
      action: isLost ? 0 : environment.oracle(),
    })
    const { rollouts } = open(framework, scenario, decide)
    try {
      expect((await rollouts.play('test', 0)).verdict.success).toBe(false)
      isLost = false
      expect((await rollouts.play('test', 1)).verdict.success).toBe(true)
    } finally {
      await rollouts.close()
    }
  }, 120_000)
})

const desk = scenarioOf('customer_support')
if (!desk?.conversation) throw new Error('The desk is gone')
const { conversation } = desk

describe('what was recorded is of the framework that was asked for', () => {
  const test = testWith('harnesses')
  const of = (framework: Spoken): Recorded => {
    const found = recorded.get(framework)
    if (!found) throw new Error(`${framework} has not played`)
    return found
  }
  const opening = () => play(desk, 'oracle', 'test', 0).transcript[0]?.text ?? ''
  const firstTool = (framework: Spoken) => of(framework).tools[0]?.function

  testWith()('LangChain: the schema as it is, the system and the user as they are', () => {
    const { userAgent, messages } = of('LangChain')
    expect(userAgent).toStartWith('langchainjs-openai/')
    expect(messages).toEqual([
      { role: 'system', content: conversation.system },
      { role: 'user', content: opening() },
    ])
    expect(firstTool('LangChain')).toEqual({ ...conversation.tools[0] } as never)
  })

  test('AutoGen: the user has a name, schemas have been through pydantic', () => {
    const { userAgent, messages } = of('AutoGen')
    expect(userAgent).toStartWith('AsyncOpenAI/Python')
    expect(messages as readonly object[]).toEqual([
      { role: 'system', content: conversation.system },
      { role: 'user', name: 'user', content: opening() },
    ])
    expect(firstTool('AutoGen')?.parameters).toHaveProperty('properties.ticket_id.title')
  })

  test('CrewAI: both are framed, and the user comes with what is expected', () => {
    const { userAgent, messages } = of('CrewAI')
    expect(userAgent).toStartWith('OpenAI/Python')
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user'])
    expect(messages[0]?.content).toStartWith(`You are Agent. ${conversation.system}`)
    expect(messages[1]?.content).toStartWith(`\nCurrent Task: ${opening()}\n`)
  })
})

testWith()('a harness that cannot begin is an error that says why', async () => {
  const env = { ...process.env, PATH: join(import.meta.dir, 'nothing') }
  const start = (name: string, gateway: string) => startHarness(name, gateway, env)
  const decide: Decide = () => ({ action: 0 })
  const begin = () => new HarnessRollouts({ scenario: desk, framework: 'AutoGen', start, decide })
  expect(begin).toThrow(/python/)
})

testWith('harnesses')('a Python without its packages ends the harness, in words', async () => {
  const env = { ...process.env, PYTHONPATH: modules, PATH: dirname(harnessPythons.CrewAI) }
  const start = (_: string, gateway: string) => startHarness('AutoGen', gateway, env)
  const decide: Decide = () => ({ action: 0 })
  const rollouts = new HarnessRollouts({ scenario: desk, framework: 'AutoGen', start, decide })
  try {
    await expect(rollouts.play('test', 0)).rejects.toThrow(
      /^The harness of AutoGen ended with 1: ModuleNotFoundError: No module named/,
    )
  } finally {
    await rollouts.close()
  }
})
