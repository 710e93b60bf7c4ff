/** Two servers on one PostgreSQL: a rollout is played through both of them, call by call. */
import { expect, test } from 'bun:test'
import { openDatabase } from '../../../../src/storage/open.ts'
import { createPostgres } from '../../../storage/postgres-server.ts'
import { type Offer, playByHand, post, type Send } from './agent.ts'
import { agents, openDesk, origin } from './desk.ts'

const wish = { scenario_id: 'customer_support', split: 'train', model: 'oracle' }

test('agents change servers in the middle, and nothing is lost or counted twice', async () => {
  const { url, drop } = await createPostgres()
  const [first, second] = await Promise.all(
    [0, 1].map(() => openDatabase({ dataDir: ':memory:', databaseUrl: url })),
  )
  if (!first || !second) throw new Error('There are no databases')
  try {
    await using one = await openDesk({ db: first })
    await using other = await openDesk({ db: second })
    let turn = 0
    const byTurns: Send = (where, init) => (turn++ % 2 === 0 ? one : other).send(where, init)
    const ended = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const asked = { ...wish, episode: i % 6, rollout_id: `r${i}` }
        // Both are asked for the same one at once.
        const [offer, again] = await Promise.all([
          post<Offer>(one.send, `${agents}/rollouts`, asked),
          post<Offer>(other.send, `${agents}/rollouts`, asked),
        ])
        expect(again).toEqual(offer)
        await playByHand(byTurns, offer)
        return post<{ success: boolean }>(byTurns, `${agents}/rollouts/r${i}/end`)
      }),
    )
    expect(ended.map(({ success }) => success)).toEqual(ended.map(() => true))
    const episodes = `${origin}/api/scenarios/customer_support/episodes`
    const summary = (await (await byTurns(`${episodes}/summary`)).json()) as object
    expect(summary).toMatchObject({
      episodes: 12,
      successes: 12,
      seeds: 6,
      mean_score: 1,
      pass_hat: { 1: 1, 2: 1 },
    })
    expect(await post<object>(byTurns, `${episodes}/rescore`)).toMatchObject({
      checked: 12,
      unchanged: 12,
    })
  } finally {
    await first.close()
    await second.close()
    await drop()
  }
}, 60_000)
