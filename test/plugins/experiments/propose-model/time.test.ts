/** A model that takes longer than the experiment has time is left, and nothing fails by it. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createModelProposer } from '../../../../plugins/experiments/propose/model/proposer.ts'
import { type FakeClock, fakeClock } from '../../../../src/testing.ts'
import { type ModelServer, type Said, startModelServer } from '../models/model-server.ts'
import { filed, modelsOf, openRig, type Rig } from '../models/rig.ts'
import { contextOf, nodeOf, runOf } from './context.ts'

let clock: FakeClock
let say: () => Said | Promise<Said>
let server: ModelServer
let rig: Rig

beforeAll(async () => {
  server = startModelServer(() => say())
  rig = await openRig(server.env)
})

afterAll(async () => {
  await rig?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

const setUp = async (secondsLeft: number) => {
  clock = fakeClock()
  const experimentId = await rig.another()
  const models = modelsOf(rig, server.env, { clock })
  const settings = { models: {}, budget: { seconds: 100 } }
  const proposer = createModelProposer({ models, settings, recording: null })
  return { proposer, experimentId, context: contextOf(experimentId, { secondsLeft }) }
}

/** Answers never, after so much time. */
const silence = (seconds: number) => {
  clock.advance(seconds * 1000)
  return new Promise<Said>(() => undefined)
}

test('a program that is not written in time', async () => {
  const { proposer, context, experimentId } = await setUp(10)
  say = () => silence(10)
  expect(await proposer.propose({ kind: 'draft' }, context)).toEqual({
    plan: '',
    code: '',
    problem: 'The time was up before a model gave a program',
    author: 'gpt-4.1',
    calls: [],
  })
  const calls = await filed(rig, experimentId)
  expect(calls.map(({ error }) => error)).toEqual(['none within 10 seconds'])
})

test('a reply without a program is not asked for again when the time is up', async () => {
  const { proposer, context } = await setUp(10)
  say = () => {
    clock.advance(9_000)
    say = () => silence(1)
    return { text: 'I have no idea.' }
  }
  expect(await proposer.propose({ kind: 'draft' }, context)).toEqual({
    plan: 'I have no idea.',
    code: '',
    problem: 'The time was up before a model gave a program',
    author: 'gpt-4.1',
    calls: [expect.stringMatching(/^call_/)],
  })
})

test('the last program is read all the same', async () => {
  const { proposer, context } = await setUp(0)
  say = () => {
    clock.advance(59_000)
    return { text: 'The metric is 0.5' }
  }
  const review = await proposer.review(nodeOf({}), runOf('metric: 0.5'), context)
  expect(review).toMatchObject({ metric: 0.5, summary: 'The metric is 0.5' })
})

test('but not for ever', async () => {
  const { proposer, context } = await setUp(0)
  say = () => silence(60)
  expect(await proposer.review(nodeOf({}), runOf('metric: 0.5'), context)).toEqual({
    isBug: false,
    summary: '',
    metric: null,
    lowerIsBetter: null,
    calls: [],
    problem: 'The time was up before a model gave a review',
  })
  expect(await proposer.report!(context, null)).toBeNull()
})
