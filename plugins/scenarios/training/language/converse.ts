/** Episodes in words for a program beside this one, over its standard streams: lines of JSON. */
import { HearthError, Type as t } from '../../../../src/sdk.ts'
import { Value } from '@sinclair/typebox/value'
import { type Scenario, type Split, splits } from '../../environment.ts'
import { Rollout } from '../../gateway/rollout.ts'
import { measureBaselines } from '../baselines.ts'
import { scenarioHash } from '../../scenario-hash.ts'

const id = t.String({ minLength: 1, maxLength: 100 })

const request = t.Union([
  t.Object({
    do: t.Literal('begin'),
    id,
    split: t.Union((Object.keys(splits) as Split[]).map((name) => t.Literal(name))),
    episode: t.Integer({ minimum: 0, maximum: 2 ** 40 - 1 }),
  }),
  t.Object({
    do: t.Literal('call'),
    id,
    name: t.String({ maxLength: 200 }),
    arguments: t.Record(t.String(), t.Unknown()),
  }),
  t.Object({ do: t.Literal('end'), id }),
])

type Request =
  | {
      readonly do: 'begin'
      readonly id: string
      readonly split: Split
      readonly episode: number
    }
  | {
      readonly do: 'call'
      readonly id: string
      readonly name: string
      readonly arguments: Readonly<Record<string, unknown>>
    }
  | { readonly do: 'end'; readonly id: string }

const maxOpen = 10_000
/** Of those who learn nothing, to be put beside whoever does. */
export const baselineEpisodes = 300

/**
 * Says what the scenario is, then answers each line with one line, in order; `{"error"}` where it
 * cannot be done. Ends with `lines`.
 * @throws HearthError `conflict` where nothing is said in the scenario
 */
export const converse = async (
  scenario: Scenario,
  lines: AsyncIterable<string>,
  write: (line: string) => void,
): Promise<void> => {
  const { spec, conversation } = scenario
  if (!conversation) throw new HearthError('conflict', `Nothing is said in ${spec.id}`)
  const { system, tools } = conversation
  const { id: name, version, tasks, maxSteps } = spec
  const say = (value: object) => write(`${JSON.stringify(value)}\n`)
  say({
    scenario: { id: name, version, hash: scenarioHash(scenario) },
    tasks,
    max_steps: maxSteps,
    baselines: measureBaselines(scenario, baselineEpisodes),
    system,
    tools: tools.map((tool) => ({ type: 'function', function: tool })),
  })
  const open = new Map<string, Rollout>()
  for await (const line of lines) {
    try {
      say(answer(scenario, open, parsed(line)))
    } catch (error) {
      if (!(error instanceof HearthError)) throw error
      say({ error: error.message })
    }
  }
  for (const rollout of open.values()) rollout.close()
}

const parsed = (line: string): Request => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new HearthError('malformed_json', 'The line is not JSON')
  }
  if (Value.Check(request, value)) return value as Request
  throw new HearthError('validation', 'The line is no request: do begin, call or end')
}

const answer = (scenario: Scenario, open: Map<string, Rollout>, asked: Request): object => {
  if (asked.do === 'begin') {
    if (open.size >= maxOpen) throw new HearthError('conflict', `${maxOpen} episodes are open`)
    if (open.has(asked.id)) throw new HearthError('conflict', `${asked.id} is open already`)
    const { id, split, episode } = asked
    const rollout = Rollout.begin(scenario, { id, split, episode, model: null, sampleSeed: null })
    open.set(id, rollout)
    return { user: rollout.heard.opening }
  }
  const rollout = open.get(asked.id)
  if (!rollout) throw new HearthError('not_found', `No episode ${asked.id} is open`)
  if (asked.do === 'call') {
    const reply = rollout.call(asked.name, asked.arguments)
    rollout.takeEvents()
    return reply
  }
  const { success, reward, steps } = rollout.end()
  const { task } = rollout.trajectory
  rollout.close()
  open.delete(asked.id)
  return { task, success, reward, steps }
}
