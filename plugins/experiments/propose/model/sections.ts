/** The parts that prompts are made of: small, pure, and said once. */
import { isGood } from '../../journal/good.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Node, Output } from '../../journal/node.ts'
import { metricOf } from '../../scoring/metrics.ts'
import type { ProposeContext } from '../proposer.ts'
import { truncated } from './truncate.ts'

export interface Section {
  readonly title: string
  readonly text: string
}

/** Empty ones are left out. */
export const prompt = (sections: readonly Section[]): string =>
  sections
    .filter(({ text }) => text.trim() !== '')
    .map(({ title, text }) => `# ${title}\n\n${text.trim()}`)
    .join('\n\n')

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n')

export const introduction = (task: string): Section => ({
  title: 'Introduction',
  text: `You are a data scientist who wins Kaggle competitions. ${task}`,
})

export const taskSection = ({ goal, evaluation }: ProposeContext): Section => ({
  title: 'Task',
  text: evaluation === null ? goal : `${goal}\n\nEvaluation: ${evaluation}`,
})

/** What users said while it runs: the last word counts. */
export const instructionSection = ({ journal }: ProposeContext): Section => ({
  title: 'Instructions of the user',
  text: bullets(journal.instructions),
})

export const dataSection = ({ preview }: ProposeContext): Section => ({
  title: 'Data overview',
  text: preview?.text ?? '',
})

export const codeSection = (title: string, code: string): Section => ({
  title,
  text: `\`\`\`python\n${code.trim()}\n\`\`\``,
})

export const outputText = ({ head, tail, omittedBytes }: Output): string =>
  truncated(omittedBytes === 0 ? head + tail : `${head}\n...\n${tail}`)

export const outputSection = (output: Output): Section => ({
  title: 'Execution output',
  text: `\`\`\`\n${outputText(output)}\n\`\`\``,
})

const shownNodes = 50
const fullNodes = 10
const shownFailures = 5

/** What was tried: the last ones whole, those before in a line, and how the last failures went. */
export const memorySection = ({ journal }: ProposeContext): Section => {
  const good = journal.nodes.filter(isGood).slice(-shownNodes)
  const short = good.slice(0, -fullNodes).map((node) => `${scoreOf(node)}: ${firstLine(node.plan)}`)
  const full = good
    .slice(-fullNodes)
    .map(
      (node) =>
        `Design: ${node.plan}\nResults: ${node.verdict?.analysis ?? ''}\n` +
        `Validation metric: ${scoreOf(node)}`,
    )
  const failed = failures(journal)
  return {
    title: 'Memory',
    text: [
      bullets(short),
      full.join('\n\n---\n\n'),
      failed.length > 0 ? `What failed lately:\n${bullets(failed)}` : '',
    ]
      .filter((part) => part !== '')
      .join('\n\n---\n\n'),
  }
}

const scoreOf = ({ verdict }: Node): string => String(verdict?.metric ?? 'none')

const firstLine = (text: string): string => (text.split('\n')[0] ?? '').slice(0, 200)

const failures = ({ nodes }: Journal): string[] =>
  nodes
    .filter(({ verdict }) => verdict?.isBuggy)
    .slice(-shownFailures)
    .map(
      ({ plan, run, verdict }) =>
        `${firstLine(plan)} - ${verdict?.failure}: ` +
        firstLine(run?.message ?? verdict?.analysis ?? ''),
    )

export const responseSection = (what: string): Section => ({
  title: 'Response format',
  text:
    `Answer with ${what} in three to five sentences, then with one Markdown code block ` +
    '(```python) that holds the whole program. No other headings, no further blocks.',
})

export const implementationSection = (context: ProposeContext): Section => ({
  title: 'Implementation guideline',
  text: bullets([
    ...scoringLines(context),
    'The program is one self-contained Python file that runs as it is, without arguments.',
    `It must end within ${humane(context.timeoutS)}.`,
    'All data is in the folder `./input`; there is no network. Write files to `./working` only.',
    ...(context.kFold > 1
      ? [`Validate with ${context.kFold}-fold cross-validation where the time allows it.`]
      : []),
    ...(context.exposePrediction
      ? ['Define a function `predict(data)` that predicts for new rows of raw data.']
      : []),
    'Do not leave out parts of the program, and do not ask for input.',
  ]),
})

const scoringLines = ({ task }: ProposeContext): string[] => {
  if (!task) {
    return [
      'Print the value of the evaluation metric on held-out data, in a line of its own.',
      'If there is test data, write predictions for it to `./working/submission.csv`.',
    ]
  }
  const needs = {
    value: 'a number for each row',
    label: 'one of the labels of the training table for each row',
    probability: 'probabilities for each row',
  }[metricOf(task.metric).needs]
  return [
    `Predict \`${task.target}\`: learn from \`./input/${task.table}\` and write predictions for ` +
      'every row of `./input/test.csv` to `./working/submission.csv`.',
    'It has exactly the columns of `./input/sample_submission.csv` (read it first), and ' +
      `${needs}.`,
    `The score is \`${task.metric}\` (${task.maximize ? 'higher' : 'lower'} is better) of that ` +
      'file. It is computed outside of the program, on targets the program cannot see: nothing ' +
      'that is printed counts.',
    `Print \`${task.metric}\` of your own validation, too, in a line of its own.`,
  ]
}

export const resourceSection = (context: ProposeContext): Section => ({
  title: 'Resources',
  text: bullets([
    `Steps left: ${context.stepsLeft}.`,
    ...(context.secondsLeft === null
      ? []
      : [`Time left for all of them: ${humane(context.secondsLeft)}.`]),
    packageLine(context),
  ]),
})

const shownPackages = new Set([
  'numpy',
  'pandas',
  'scipy',
  'scikit-learn',
  'statsmodels',
  'xgboost',
  'lightgbm',
  'catboost',
  'torch',
  'transformers',
  'tensorflow',
  'polars',
  'pyarrow',
])

const packageLine = ({ packages }: ProposeContext): string => {
  const there = Object.entries(packages).filter(([name]) => shownPackages.has(name.toLowerCase()))
  const list = there.map(([name, version]) => `${name} ${version}`).join(', ')
  return there.length === 0
    ? 'Only the standard library of Python can be relied on.'
    : `Installed: ${list}. Nothing else can be installed.`
}

export const humane = (seconds: number): string => {
  if (seconds < 120) return `${Math.round(seconds)} seconds`
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`
  return `${Math.round(seconds / 360) / 10} hours`
}
