/** The lines by which a program beside plays episodes in words. */
import { expect, test } from 'bun:test'
import { scenarioOf } from '../../../../plugins/scenarios/catalogue.ts'
import { scenarioHash } from '../../../../plugins/scenarios/scenario-hash.ts'
import { converse } from '../../../../plugins/scenarios/training/language/converse.ts'
import { signals } from './signals.ts'

const ask = async (...lines: readonly (object | string)[]) => {
  const said: unknown[] = []
  const given = async function* () {
    for (const line of lines) yield typeof line === 'string' ? line : JSON.stringify(line)
  }
  await converse(signals, given(), (line) => said.push(JSON.parse(line)))
  return said.slice(1)
}

test('it says what the scenario is', async () => {
  const said: unknown[] = []
  const nothing = async function* (): AsyncGenerator<string> {}
  await converse(signals, nothing(), (line) => said.push(JSON.parse(line)))
  expect(said).toEqual([
    {
      scenario: { id: 'signals', version: 1, hash: scenarioHash(signals) },
      tasks: ['red', 'green', 'blue', 'white'],
      max_steps: 2,
      baselines: {
        'baseline/random': expect.any(Number),
        'baseline/heuristic': expect.any(Number),
        'baseline/oracle': 100,
        baseline_n: 300,
      },
      system: 'Obey every signal.',
      tools: signals.conversation?.tools.map((tool) => ({ type: 'function', function: tool })),
    },
  ])
})

test('episodes of one number begin alike; each is played and judged by itself', async () => {
  const begin = { do: 'begin', split: 'train', episode: 4 }
  const go = { do: 'call', name: 'go', arguments: {} }
  expect(
    await ask(
      { ...begin, id: 'a' },
      { ...begin, id: 'b' },
      { ...go, id: 'a' },
      { ...go, id: 'a', name: 'fly' },
      { ...go, id: 'a', name: 'wait' },
      { do: 'end', id: 'a' },
      { do: 'end', id: 'b' },
      { do: 'end', id: 'b' },
    ),
  ).toEqual([
    { user: 'Signal green' },
    { user: 'Signal green' },
    { content: 'Signal white', done: false },
    { content: 'There is no tool fly', done: false },
    { content: 'Done.', done: true },
    { task: 'green', success: true, reward: 1, steps: 2 },
    { task: 'green', success: false, reward: 0, steps: 0 },
    { error: 'No episode b is open' },
  ])
})

test('what is no request is told so, and does no harm', async () => {
  const begin = { do: 'begin', id: 'a', split: 'train', episode: 0 }
  expect(await ask('{', '7', { do: 'fly' }, { ...begin, episode: -1 }, begin, begin)).toEqual([
    { error: 'The line is not JSON' },
    ...Array(3).fill({ error: 'The line is no request: do begin, call or end' }),
    { user: expect.stringContaining('Signal') },
    { error: 'a is open already' },
  ])
})

test('a scenario without words is refused', () => {
  const catchBall = scenarioOf('catch')
  if (!catchBall) throw new Error('It is gone')
  const nothing = async function* (): AsyncGenerator<string> {}
  expect(converse(catchBall, nothing(), () => {})).rejects.toThrow('Nothing is said in catch')
})
