/** What is said in an episode holds exactly what the policy sees of it. */
import { expect, test } from 'bun:test'
import { scenarios } from '../../../plugins/scenarios/catalogue.ts'
import { seedOf } from '../../../plugins/scenarios/environment.ts'
import { heardIn } from '../../../plugins/scenarios/heard.ts'
import { Random } from '../../../plugins/scenarios/random.ts'

const spoken = scenarios.filter(({ conversation }) => conversation !== null)

test.each(spoken.map((one) => [one.spec.id, one] as const))(
  '%s: from the words comes the observation, at every step',
  (_, { spec, conversation, make }) => {
    if (!conversation) throw new Error('Nothing is said in it')
    const environment = make()
    const observation = new Float32Array(spec.observations)
    for (let n = 0; n < 300; n++) {
      const random = new Random(n)
      environment.reset(seedOf('train', n), observation)
      const opening = conversation.opening(environment)
      const calls: { name: string; reply: string }[] = []
      for (let isOver = false; !isOver;) {
        const heard = { opening, calls }
        expect(conversation.observe(heard)).toEqual(observation)
        const action =
          random.next() < 0.7 ? environment.oracle() : random.below(spec.actions.length)
        const name = spec.actions[action] ?? ''
        const given = conversation.argumentsOf(heard, action)
        expect(conversation.actionOf(environment, { name, arguments: given })).toBe(action)
        const { terminated, truncated } = environment.step(action, observation)
        calls.push({ name, reply: conversation.reply(environment) })
        isOver = terminated || truncated
      }
    }
  },
)

test('what is no conversation of it is not guessed at', () => {
  for (const { conversation } of spoken) {
    expect(conversation?.observe({ opening: 'Hello?', calls: [] })).toBeNull()
  }
})

test('messages of a chat: calls count when they were answered', () => {
  const call = (id: string) => ({ id, function: { name: 'search_kb', arguments: '{}' } })
  expect(
    heardIn([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: [{ text: 'Ticket T-1: ' }, { text: 'Help! ' }] },
      { role: 'assistant', content: null, tool_calls: [call('a')] },
      { role: 'tool', content: 'No article is about this.', tool_call_id: 'a' },
      { role: 'assistant', tool_calls: [call('b')] },
    ]),
  ).toEqual({
    opening: 'Ticket T-1: Help!',
    calls: [{ name: 'search_kb', reply: 'No article is about this.' }],
  })
  expect(heardIn([{ role: 'system', content: 'Be kind.' }])).toBeNull()
})

test('the frame that CrewAI puts around the user is no part of what was said', () => {
  const said = 'Ticket T-1: Please help.\n\nIt is urgent.'
  const frame =
    `\nCurrent Task: ${said}\n\nThis is the expected criteria for your final answer: A word.\n` +
    'you MUST return the actual complete content as the final answer, not a summary.'
  expect(heardIn([{ role: 'user', content: frame }])?.opening).toBe(said)
  expect(heardIn([{ role: 'user', content: said }])?.opening).toBe(said)
})

test.each(spoken.map((one) => [one.spec.id, one] as const))(
  '%s: the last words of an episode are its closing, and no others are',
  (_, { spec, conversation, make }) => {
    const environment = make()
    const observation = new Float32Array(spec.observations)
    const heard = new Set<string>()
    for (let n = 0; n < 300; n++) {
      const random = new Random(n)
      environment.reset(seedOf('train', n), observation)
      for (let isOver = false; !isOver;) {
        const isGuess = random.next() < 0.2
        const action = isGuess ? random.below(spec.actions.length) : environment.oracle()
        const { terminated, truncated } = environment.step(action, observation)
        const reply = conversation?.reply(environment) ?? ''
        expect(conversation?.closings?.includes(reply)).toBe(terminated)
        if (terminated) heard.add(reply)
        isOver = terminated || truncated
      }
    }
    expect([...heard].toSorted()).toEqual([...(conversation?.closings ?? [])].toSorted())
  },
)
