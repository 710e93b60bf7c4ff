/** The factual report: everything in it is read off the journal, so it needs no model. */
import type { Experiment } from '../experiment.ts'
import type { Final } from '../journal/final.ts'
import type { Journal } from '../journal/journal.ts'
import type { Node } from '../journal/node.ts'

const listed = 10

/** Markdown. */
export const factualReport = (
  experiment: Experiment,
  journal: Journal,
  final: Omit<Final, 'report'>,
): string => {
  const best = journal.nodes.find(({ id }) => id === final.best) ?? null
  return [
    `# ${oneLine(experiment.name)}`,
    `> ${oneLine(experiment.goal)}`,
    ...section('What was measured', [howMeasured(experiment, journal)]),
    ...section('Result', [
      best ? resultOf(best, final) : 'No program came to a usable score.',
      final.explanation,
    ]),
    ...(best ? section('The chosen solution', [best.plan || 'No plan was given.']) : []),
    ...section('The best programs', [tableOf(journal)]),
    ...section('What failed', failuresOf(journal)),
    ...section('Notes', journal.notes),
  ].join('\n\n')
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`## ${title}`, ...lines]

const howMeasured = ({ task, prepared }: Experiment, journal: Journal): string => {
  const better =
    journal.maximize === null ? '' : journal.maximize ? ' (higher is better)' : ' (lower is better)'
  if (!task || !prepared) {
    return `Scores are what the programs reported of themselves${better}; nobody checked them.`
  }
  const { train, search, selection } = prepared.rows
  return (
    `\`${task.metric}\`${better} of predictions for \`${oneLine(task.target)}\`, ` +
    'computed by the server: ' +
    `programs learned from ${train} rows, were compared on ${search} and chosen on ${selection} ` +
    'other rows whose target they never saw.'
  )
}

const resultOf = (best: Node, { finalists }: Omit<Final, 'report'>): string => {
  const { verdict } = best
  const interval = verdict?.interval
    ? `, 95 % interval ${number(verdict.interval[0])} to ${number(verdict.interval[1])}`
    : ''
  const selection =
    verdict?.selectionMetric == null
      ? ''
      : `; ${number(verdict.selectionMetric)} on the rows that decided`
  const reruns = finalists.find(({ node }) => node === best.id)?.reruns ?? []
  const again = reruns.length === 0 ? '' : `; with other seeds ${reruns.map(number).join(', ')}`
  const score = number(verdict?.metric ?? null)
  return `**${score}** at step ${best.step}${interval}${selection}${again}.`
}

const tableOf = (journal: Journal): string => {
  const good = journal.nodes.filter(({ verdict }) => verdict && !verdict.isBuggy)
  const sign = journal.maximize === false ? 1 : -1
  const rows = good
    .sort((a, b) => sign * (metricOf(a) - metricOf(b)) || a.step - b.step)
    .slice(0, listed)
    .map(
      (node) =>
        `| ${node.step} | ${node.stage} | ${number(metricOf(node))} | ` +
        `${number(node.run?.execTimeS ?? null)} | ${cell(node.plan)} |`,
    )
  return [
    '| step | made by | score | seconds | plan |',
    '| ---: | --- | ---: | ---: | --- |',
    ...rows,
  ].join('\n')
}

const failuresOf = (journal: Journal): string[] => {
  const buggy = journal.nodes.filter(({ verdict }) => verdict?.isBuggy)
  if (buggy.length === 0) return []
  const counts = new Map<string, number[]>()
  for (const { verdict, step } of buggy) {
    const name = verdict?.failure ?? 'unknown'
    counts.set(name, [...(counts.get(name) ?? []), step])
  }
  const lines = [...counts].map(([name, steps]) => `- ${name}: step ${steps.join(', ')}`)
  return [`${buggy.length} of ${journal.nodes.length} programs.`, lines.join('\n')]
}

const metricOf = ({ verdict }: Node): number => verdict?.metric ?? Number.NaN

const number = (value: number | null): string =>
  value === null || Number.isNaN(value) ? '–' : String(Number(value.toPrecision(5)))

/** Text of users and models, made harmless for a table and a heading. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()
const cell = (text: string): string => {
  const line = oneLine(text).replaceAll('|', '\\|')
  return line.length > 120 ? `${line.slice(0, 119)}…` : line
}
