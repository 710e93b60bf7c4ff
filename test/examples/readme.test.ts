/** Every example in the documentation works as it is printed, or is named here with the reason. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { testWith } from '../faults/needs.ts'
import { type Block, blocksOf, readBlocks } from './blocks.ts'
import * as printed from './printed.ts'
import { beginsAnExperiment } from './printed-experiments.ts'
import { playsByOpenAi, trainsInGymnasium, trainsWithAgents } from './printed-scenarios.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

/** What is done with a block; a text is the reason why nothing can be. */
const examples: Readonly<Record<string, printed.Example | string>> = {
  'README.md 1': printed.startsTheServer,
  'README.md 2': printed.registersTheFirstUser,
  'README.md 3': printed.logsAFirstRun,
  'README.md 4': printed.runsAJob,
  'README.md 5': 'the command that runs this test',
  'README.md 6': 'a drawing',
  'docs/agents.md 1': 'it joins a machine of its own; test/runners/agent runs the command',
  'docs/agents.md 2': 'a unit of systemd',
  'docs/cli.md 1': 'it asks for a GPU; test/cli runs each of these verbs',
  'docs/configuration.md 1': printed.isAConfiguration,
  'docs/executors.md 1': 'it needs an executor of one’s own; the next one is tested',
  'docs/executors.md 2': 'test/examples/ssh-executor runs the example',
  'docs/experiments-models.md 1': 'test/plugins/experiments/models/document.test.ts makes it',
  'docs/experiments.md 1': beginsAnExperiment,
  'docs/experiments.md 2': 'it needs a page; aide-clients.test.ts runs it in a browser',
  'docs/job-programs.md 1': 'test/runners/python runs it as a job',
  'docs/job-programs.md 2': 'test/runners/python runs it as a job',
  'docs/job-streams.md 1': 'it follows the job of another page; test/jobs/streams does that',
  'docs/jobs.md 1': printed.submitsByCurl,
  'docs/jobs.md 2': 'a drawing',
  'docs/jobs.md 3': 'how to replay a simulation; test/sim runs it',
  'docs/live.md 1': printed.followsARun,
  'docs/live.md 2': printed.isAChannel,
  'docs/plugins.md 1': printed.isAConfiguration,
  'docs/plugins.md 2': printed.isASetup,
  'docs/plugins.md 3': printed.testsAPlugin,
  'docs/points.md 1': 'a drawing',
  'docs/python.md 1': printed.logsIn,
  'docs/python.md 2': printed.logsARun,
  'docs/python.md 3': printed.usesAIManager,
  'docs/scenarios-authors.md 1': 'test/examples/parking.test.ts runs it',
  'docs/scenarios-authors.md 2': 'test/examples/parking.test.ts loads it',
  'docs/scenarios-frameworks.md 1': trainsWithAgents,
  'docs/scenarios-frameworks.md 2': 'test/faults/scenarios/exports.test.ts runs the file',
  'docs/scenarios-gateway.md 1': playsByOpenAi,
  'docs/scenarios-language-models.md 1': 'test/faults/scenarios/prompt.test.ts runs it',
  'docs/scenarios-language-models.md 2': 'its model is large; adapter.test.ts asks with a tiny one',
  'docs/scenarios-models.md 1': 'test/plugins/scenarios/serving/routes.test.ts brings one',
  'docs/scenarios-models.md 2': 'test/plugins/scenarios/models-service.test.ts registers them',
  'docs/scenarios-outside.md 1': trainsInGymnasium,
  'docs/scenarios-outside.md 2': 'its server is nobody’s; openenv.test.ts has one of its own',
  'docs/scenarios-outside.md 3': 'test/faults/scenarios/openenv.test.ts runs it',
  'docs/scenarios.md 1': printed.trainsAnAgent,
  'docs/testing.md 1': 'the commands that run this test',
  'docs/tracking.md 1': printed.tracksByCurl,
  'docs/tracking.md 2': printed.isABatch,
  'docs/tracking.md 3': printed.isASearch,
  'docs/tracking.md 4': 'a grammar; test/plugins/tracking holds the parser to it',
  'docs/warm-start.md 1': printed.isAPlan,
  'docs/warm-start.md 2': 'a drawing',
  'sdk/python/README.md 1': printed.isTheTrainingScript,
  'sdk/python/README.md 2': printed.trains,
  'plugins/experiments/README.md 1': 'a drawing',
}

const timeoutMs = 60_000
const blocks = await readBlocks()

test('every block of the documentation is run, or named with a reason', () => {
  expect(blocks.map(({ key }) => key)).toEqual(Object.keys(examples))
})

test('a block is taken with its language, an indented one too', () => {
  expect(blocksOf('a.md', 'x\n```sh\none\ntwo\n```\n- y\n  ```\n  three\n  ```\n')).toEqual([
    { document: 'a.md', key: 'a.md 1', language: 'sh', text: 'one\ntwo\n' },
    { document: 'a.md', key: 'a.md 2', language: '', text: '  three\n' },
  ])
})

test('a block without an end is an error, not a block less', () => {
  expect(() => blocksOf('a.md', '```sh\none\n')).toThrow('a.md: a block has no end')
})

const documents = Map.groupBy(blocks, ({ document }) => document)

/** The blocks of a document are read from the top, so each finds what those above it did. */
describe.each([...documents])('%s', (_, blocksInOrder: Block[]) => {
  let bench: Workbench
  beforeAll(async () => {
    bench = await openWorkbench()
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  for (const { key, text, language } of blocksInOrder) {
    const example = examples[key]
    if (typeof example !== 'function') continue
    const python = ['python', 'bash'].includes(language)
    testWith(...(python ? (['python'] as const) : []))(
      `${key} (${language})`,
      () => example(bench, text),
      timeoutMs,
    )
  }
})
