/** Each provider is asked in its own protocol, with its own key, and understood. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createModelProposer } from '../../../../plugins/experiments/propose/model/proposer.ts'
import { contextOf, nodeOf, runOf } from '../propose-model/context.ts'
import { type Asked, keys, type ModelServer, type Said, startModelServer } from './model-server.ts'
import { openRig, type Rig } from './rig.ts'

let say: (asked: Asked) => Said
let server: ModelServer
let rig: Rig

beforeAll(async () => {
  server = startModelServer((asked) => say(asked))
  rig = await openRig(server.env)
})

afterAll(async () => {
  await rig?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

interface Row {
  readonly model: string
  readonly path: string
  readonly header: readonly [name: string, value: string]
  /** As the provider is told it. */
  readonly asked: string
}

const rows: Readonly<Record<string, Row>> = {
  openai: {
    model: 'gpt-4.1',
    path: '/v1/chat/completions',
    header: ['authorization', `Bearer ${keys.openai}`],
    asked: 'gpt-4.1',
  },
  anthropic: {
    model: 'claude-sonnet-4-5',
    path: '/anthropic/v1/messages',
    header: ['x-api-key', keys.anthropic],
    asked: 'claude-sonnet-4-5',
  },
  gemini: {
    model: 'gemini-2.5-pro',
    path: '/v1beta/models/gemini-2.5-pro:generateContent',
    header: ['x-goog-api-key', keys.gemini],
    asked: 'gemini-2.5-pro',
  },
  openrouter: {
    model: 'openrouter/openai/gpt-4.1',
    path: '/router/v1/chat/completions',
    header: ['authorization', `Bearer ${keys.openrouter}`],
    asked: 'openai/gpt-4.1',
  },
  ollama: {
    model: 'ollama/llama3.1',
    path: '/ollama/v1/chat/completions',
    header: ['authorization', 'Bearer none'],
    asked: 'llama3.1',
  },
}

const proposerOf = (model: string) =>
  createModelProposer({
    models: rig.models,
    settings: { models: { code: { model } }, budget: {} },
    recording: null,
  })

const lastAsked = ({ header: [name] }: Row) => {
  const { path, model, headers, tool, temperature, prompt } = server.asked.at(-1)!
  return { path, model, key: headers.get(name), tool, temperature, prompt }
}

const program = 'import numpy\nprint("metric: 0.5")'

test.each(Object.entries(rows))('%s writes a program', async (_provider, row) => {
  say = () => ({ text: `A forest.\n\n\`\`\`python\n${program}\n\`\`\`\n` })
  const context = contextOf(rig.experimentId)
  const { calls, ...proposal } = await proposerOf(row.model).propose({ kind: 'draft' }, context)
  expect(proposal).toEqual({ plan: 'A forest.', code: `${program}\n`, author: row.model })
  expect(calls).toHaveLength(1)
  expect(lastAsked(row)).toEqual({
    path: row.path,
    model: row.asked,
    key: row.header[1],
    tool: null,
    temperature: 0.5,
    prompt: expect.stringContaining('Predict the price'),
  })
})

const review = { is_bug: false, summary: 'It works.', metric: 0.5, lower_is_better: true }
const read = { isBug: false, summary: 'It works.', metric: 0.5, lowerIsBetter: true }

const answers: Readonly<Record<string, Said>> = {
  'by the tool': { tool: 'submit_review', input: review },
  'by JSON in its words': { text: `Here it is:\n\`\`\`json\n${JSON.stringify(review)}\n\`\`\`` },
}

const cases = Object.entries(rows).flatMap(([provider, row]) =>
  Object.entries(answers).map(([how, said]) => ({ provider, how, row, said })),
)

test.each(cases)('$provider reviews $how', async ({ row, said }) => {
  say = () => said
  const context = contextOf(rig.experimentId)
  const found = await proposerOf(row.model).review(nodeOf({}), runOf('metric: 0.5'), context)
  expect(found).toEqual({ ...read, calls: [expect.stringMatching(/^call_/)] })
  expect(lastAsked(row)).toMatchObject({ path: row.path, tool: 'submit_review' })
  const { inputTokens, outputTokens } = (await rig.ledger.list(rig.experimentId)).at(-1)!
  expect({ inputTokens, outputTokens }).toEqual({ inputTokens: 100, outputTokens: 50 })
})
