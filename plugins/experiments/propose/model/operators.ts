/** The prompts: one function for each way to write a program, one to read what it did. */
import type { Node, Run } from '../../journal/node.ts'
import type { ProposeContext } from '../proposer.ts'
import type { Tool } from '../../models/generate.ts'
import {
  codeSection,
  dataSection,
  implementationSection,
  instructionSection,
  introduction,
  memorySection,
  outputSection,
  outputText,
  prompt,
  resourceSection,
  responseSection,
  taskSection,
} from './sections.ts'
import { truncated } from './truncate.ts'

export const draftPrompt = (context: ProposeContext): string =>
  prompt([
    introduction('Think of a sound solution to the task below and write it as a Python program.'),
    taskSection(context),
    instructionSection(context),
    memorySection(context),
    dataSection(context),
    {
      title: 'Guideline for the solution',
      text:
        'Keep this first design simple: no ensembles, no search over parameters. Take another ' +
        'approach than those in the memory. Do not explore the data, the overview tells it.',
    },
    responseSection('your design'),
    implementationSection(context),
    resourceSection(context),
  ])

export const improvePrompt = (context: ProposeContext, parent: Node): string =>
  prompt([
    introduction('Improve the program below, so that it scores better on the task.'),
    taskSection(context),
    instructionSection(context),
    memorySection(context),
    {
      title: 'Guideline for the improvement',
      text:
        'Propose one change, so that its effect can be measured by itself, and say why it should ' +
        'help. It must not be one of those in the memory.',
    },
    codeSection('Previous solution', parent.code),
    {
      title: 'How it went',
      text: `Score: ${parent.verdict?.metric ?? 'none'}\n\n${endsOf(parent)}`,
    },
    responseSection('your change'),
    implementationSection(context),
    resourceSection(context),
  ])

const endsOf = ({ run }: Node): string => (run ? truncated(outputText(run.output), 1500, 700) : '')

export const debugPrompt = (context: ProposeContext, parent: Node): string =>
  prompt([
    introduction('The program below has a fault. Find it, and write the program without it.'),
    taskSection(context),
    instructionSection(context),
    codeSection('Previous (faulty) program', parent.code),
    ...(parent.run ? [outputSection(parent.run.output)] : []),
    {
      title: 'What is wrong',
      text: [parent.run?.message, parent.verdict?.failure, parent.verdict?.analysis]
        .filter((part) => part)
        .join('\n'),
    },
    dataSection(context),
    responseSection('the cause of the fault and its remedy'),
    implementationSection(context),
    resourceSection(context),
  ])

export const fusePrompt = (context: ProposeContext, parents: readonly Node[]): string =>
  prompt([
    introduction('Write one program that joins the strengths of the programs below.'),
    taskSection(context),
    instructionSection(context),
    memorySection(context),
    ...parents.map((node, i) =>
      codeSection(`Program ${i + 1}, score ${node.verdict?.metric ?? 'none'}`, node.code),
    ),
    responseSection('what you take from each'),
    implementationSection(context),
    resourceSection(context),
  ])

export const reviewPrompt = (context: ProposeContext, node: Node, run: Run): string =>
  prompt([
    introduction('Judge what the program below did, by its output.'),
    taskSection(context),
    codeSection('Implementation', node.code),
    outputSection(run.output),
    {
      title: 'How to answer',
      text:
        'Call `submit_review`. If you cannot, answer with one JSON object of the same fields: ' +
        '{"is_bug": true or false, "summary": "...", "metric": number or null, ' +
        '"lower_is_better": true or false}.',
    },
  ])

export const reviewTool: Tool = {
  name: 'submit_review',
  description: 'Submits the judgement of a program by its output.',
  schema: {
    type: 'object',
    properties: {
      is_bug: { type: 'boolean', description: 'Whether the output shows that it failed' },
      summary: {
        type: 'string',
        description: 'Two or three sentences on what was found; the cause, if it failed',
      },
      metric: {
        type: ['number', 'null'],
        description: 'The value of the validation metric in the output; null if there is none',
      },
      lower_is_better: { type: 'boolean', description: 'Whether lower values are better' },
    },
    required: ['is_bug', 'summary', 'metric', 'lower_is_better'],
    additionalProperties: false,
  },
}

export const reportPrompt = (context: ProposeContext, best: Node | null): string =>
  prompt([
    introduction('Write a report on the work below for people who will use its result.'),
    taskSection(context),
    memorySection(context),
    ...(best ? [codeSection('The chosen solution', best.code)] : []),
    {
      title: 'Format',
      text:
        'Markdown with the sections Introduction, Preprocessing, Modelling, Results and Future ' +
        'work. Say only what the above shows.',
    },
  ])
