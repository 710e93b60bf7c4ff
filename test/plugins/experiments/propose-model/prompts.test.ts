/** What each operator tells a model, and what it leaves out. */
import { describe, expect, test } from 'bun:test'
import { emptyJournal } from '../../../../plugins/experiments/journal/fold.ts'
import type { Journal } from '../../../../plugins/experiments/journal/journal.ts'
import type { DataPreview } from '../../../../plugins/experiments/data/preview.ts'
import type { Task } from '../../../../plugins/experiments/scoring/task.ts'
import {
  debugPrompt,
  draftPrompt,
  fusePrompt,
  improvePrompt,
  reportPrompt,
  reviewPrompt,
} from '../../../../plugins/experiments/propose/model/operators.ts'
import { contextOf, nodeOf, runOf, verdictOf } from './context.ts'

const titles = (prompt: string): string[] =>
  [...prompt.matchAll(/^# (.*)$/gm)].map(([, title]) => title!)

const section = (prompt: string, title: string): string =>
  prompt.split(/^# /m).find((part) => part.startsWith(`${title}\n`)) ?? ''

const preview = { text: 'houses.csv: 100 rows' } as DataPreview

const good = nodeOf({
  state: 'finished',
  run: runOf('fold 1\nmetric: 0.5'),
  verdict: verdictOf({ analysis: 'Good.' }),
})
const buggy = nodeOf({
  id: 'node_2',
  step: 2,
  state: 'finished',
  plan: 'A network.\nWith layers.',
  code: 'raise ValueError',
  run: runOf('Traceback', { failure: 'exception', message: 'ValueError: no rows' }),
  verdict: verdictOf({
    isBuggy: true,
    failure: 'exception',
    metric: null,
    analysis: 'It found no rows.',
  }),
})
const journal: Journal = {
  ...emptyJournal(10),
  nodes: [good, buggy],
  instructions: ['Use no networks.'],
}
const context = contextOf('exp_1', { journal, preview, evaluation: 'RMSE' })

const prompts = {
  draft: draftPrompt(context),
  improve: improvePrompt(context, good),
  debug: debugPrompt(context, buggy),
  fuse: fusePrompt(context, [good, { ...good, id: 'node_3', code: 'print("other")' }]),
  review: reviewPrompt(context, good, good.run!),
  report: reportPrompt(context, good),
}

test('the parts of each', () => {
  const ending = ['Response format', 'Implementation guideline', 'Resources']
  const beginning = ['Introduction', 'Task', 'Instructions of the user']
  expect(Object.fromEntries(Object.entries(prompts).map(([k, v]) => [k, titles(v)]))).toEqual({
    draft: [...beginning, 'Memory', 'Data overview', 'Guideline for the solution', ...ending],
    improve: [
      ...beginning,
      'Memory',
      'Guideline for the improvement',
      'Previous solution',
      'How it went',
      ...ending,
    ],
    debug: [
      ...beginning,
      'Previous (faulty) program',
      'Execution output',
      'What is wrong',
      'Data overview',
      ...ending,
    ],
    fuse: [...beginning, 'Memory', 'Program 1, score 0.5', 'Program 2, score 0.5', ...ending],
    review: ['Introduction', 'Task', 'Implementation', 'Execution output', 'How to answer'],
    report: ['Introduction', 'Task', 'Memory', 'The chosen solution', 'Format'],
  })
})

describe('in them', () => {
  test('the task, the data and what the user said', () => {
    expect(section(prompts.draft, 'Task')).toBe('Task\n\nPredict the price\n\nEvaluation: RMSE\n\n')
    expect(section(prompts.draft, 'Data overview')).toContain('houses.csv: 100 rows')
    expect(section(prompts.draft, 'Instructions of the user')).toContain('- Use no networks.')
  })

  test('what was tried, and what failed', () => {
    expect(section(prompts.draft, 'Memory')).toBe(
      'Memory\n\nDesign: A forest.\nResults: Good.\nValidation metric: 0.5\n\n---\n\n' +
        'What failed lately:\n- A network. - exception: ValueError: no rows\n\n',
    )
  })

  test('a long memory is short for all but the last ten', () => {
    const nodes = Array.from({ length: 70 }, (_, i) =>
      nodeOf({ ...good, id: `node_${i + 1}`, step: i + 1, plan: `Plan ${i + 1}.\nDetails.` }),
    )
    const long = draftPrompt(contextOf('exp_1', { journal: { ...emptyJournal(99), nodes } }))
    const memory = section(long, 'Memory')
    expect(memory.match(/^- 0.5: Plan \d+\.$/gm)).toHaveLength(40)
    expect(memory.match(/^Design: Plan \d+\.\nDetails\./gm)).toHaveLength(10)
    expect(memory).not.toContain('Plan 20.')
  })

  test('the fault of a program', () => {
    expect(section(prompts.debug, 'What is wrong')).toBe(
      'What is wrong\n\nValueError: no rows\nexception\nIt found no rows.\n\n',
    )
  })

  test('an output that is too long: its beginning and its end', () => {
    const run = runOf(`${'a'.repeat(9_000)}metric: 0.5`)
    const output = section(reviewPrompt(context, good, run), 'Execution output')
    expect(output).toContain(' ... [4011 characters left out] ... ')
    expect(output).toContain('metric: 0.5')
    expect(output.length).toBeLessThan(5_200)
  })

  test('the beginning and the end that were kept, with what lies between', () => {
    const output = { head: 'begin', tail: 'end', omittedBytes: 7, totalBytes: 15 }
    const said = section(reviewPrompt(context, good, runOf('', { output })), 'Execution output')
    expect(said).toContain('begin\n...\nend')
  })
})

describe('the guideline', () => {
  const guideline = (more: Parameters<typeof contextOf>[1]) =>
    section(draftPrompt(contextOf('exp_1', more)), 'Implementation guideline')

  test.each([
    [{ kFold: 5 }, 'Validate with 5-fold cross-validation'],
    [{ exposePrediction: true }, 'Define a function `predict(data)`'],
    [{ timeoutS: 90 }, 'It must end within 90 seconds.'],
    [{ timeoutS: 3600 }, 'It must end within 60 minutes.'],
    [{ timeoutS: 9000 }, 'It must end within 2.5 hours.'],
  ])('%o', (more, line) => {
    expect(guideline(more)).toContain(line)
    expect(guideline({})).not.toContain(line)
  })

  test('without a task the program says its own score', () => {
    expect(guideline({})).toContain('Print the value of the evaluation metric')
  })

  test.each([
    ['rmse', false, 'a number for each row', 'lower'],
    ['accuracy', true, 'one of the labels', 'higher'],
    ['roc_auc', true, 'probabilities for each row', 'higher'],
  ] as const)('with a task of %s the server does', (metric, maximize, needs, better) => {
    const task: Task = {
      ...{ kind: 'regression', target: 'price', metric, maximize, table: 'train.csv' },
      ...{ id: null, group: null, source: 'given', explanation: '' },
    }
    const text = guideline({ task })
    for (const part of ['`price`', './input/train.csv', needs, `\`${metric}\` (${better}`]) {
      expect(text).toContain(part)
    }
  })

  test('what there is', () => {
    const more = { stepsLeft: 3, secondsLeft: 600, packages: { numpy: '2.0.0', pip: '25' } }
    expect(section(draftPrompt(contextOf('exp_1', more)), 'Resources')).toBe(
      'Resources\n\n- Steps left: 3.\n- Time left for all of them: 10 minutes.\n' +
        '- Installed: numpy 2.0.0. Nothing else can be installed.',
    )
    expect(draftPrompt(contextOf('exp_1', { packages: {} }))).toContain(
      'Only the standard library of Python can be relied on.',
    )
  })
})
