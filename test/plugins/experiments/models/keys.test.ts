/** Keys of providers are in nothing that is kept, logged, answered or sent to another one. */
import { expect, test } from 'bun:test'
import { keys, startModelServer } from './model-server.ts'
import { type Line, modelsOf, openRig, question, recordingLog } from './rig.ts'

const tool = { name: 'submit_review', description: 'Submits.', schema: { type: 'object' } }

test('a server that says keys back, and a program that printed them', async () => {
  const all = Object.values(keys).join(' ')
  await using server = startModelServer((_asked, index) =>
    index === 0
      ? Response.json({ error: { message: `What is ${keys.openai}?` } }, { status: 500 })
      : { tool: 'submit_review', input: { summary: `I know ${all}` } },
  )
  await using rig = await openRig(server.env)
  const lines: Line[] = []
  const models = modelsOf(rig, server.env, { log: recordingLog(lines) })
  const asked = question(rig, { tool, prompt: `It printed ${all}`, operator: 'review' })
  const reply = await models.ask(asked, null)
  const kept = await rig.ledger.list(rig.experimentId)
  const seen = JSON.stringify([reply, kept, lines, server.asked.map(({ body }) => body)])
  expect(Object.values(keys).filter((key) => seen.includes(key))).toEqual([])
  expect({
    input: reply.input,
    prompts: kept.map(({ prompt }) => prompt),
    errors: kept.map(({ error }) => error),
    logged: lines.map(({ fields }) => fields),
  }).toEqual({
    input: { summary: 'I know … … … …' },
    prompts: ['It printed … … … …', 'It printed … … … …'],
    errors: ['500 What is …?', null],
    logged: [{ model: 'gpt-4.1', tries: 1, error: '500 What is …?' }],
  })
})

test('a key of any form, in words and in an error', async () => {
  const key = 'open sesame!'
  await using server = startModelServer((_asked, index) =>
    index === 0
      ? Response.json({ error: { message: `Not ${key}` } }, { status: 500 })
      : { text: `print("${key}")` },
  )
  await using rig = await openRig({ OPENAI_BASE_URL: `${server.origin}/v1`, OPENAI_API_KEY: key })
  const { text } = await rig.models.ask(question(rig), null)
  const kept = await rig.ledger.list(rig.experimentId)
  expect({ text, replies: kept.map(({ reply, error }) => [reply, error]) }).toEqual({
    text: 'print("…")',
    replies: [
      ['', '500 Not …'],
      ['print("…")', null],
    ],
  })
})
