/** Takes tables to the ladder, its programs to Python, and what they predict to the referee. */
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { previewOf } from '../../../../plugins/experiments/data/preview.ts'
import { summariseTable } from '../../../../plugins/experiments/data/summary.ts'
import type { Journal } from '../../../../plugins/experiments/journal/journal.ts'
import type { KeptFile, Node } from '../../../../plugins/experiments/journal/node.ts'
import { createLadder } from '../../../../plugins/experiments/propose/ladder/ladder.ts'
import type { ProposeContext } from '../../../../plugins/experiments/propose/proposer.ts'
import { readTask } from '../../../../plugins/experiments/scoring/read-task.ts'
import { createReferee } from '../../../../plugins/experiments/scoring/referee.ts'
import type { Task } from '../../../../plugins/experiments/scoring/task.ts'
import type { Action } from '../../../../plugins/experiments/search/policy.ts'
import { randomFrom } from '../../../../plugins/experiments/search/random.ts'
import { memoryBlobs } from '../../../../src/storage/blobs-memory.ts'
import { recipeOf } from '../../../../plugins/experiments/propose/ladder/recipe.ts'
import { runPython } from '../scoring/python.ts'

export const withSklearn = { 'scikit-learn': '1.9.1', pandas: '3.1.1' }

export const journalOf = (nodes: readonly Node[] = [], totalSteps = 20): Journal => ({
  ...{ version: nodes.length, nodes, maximize: true, instructions: [], isPaused: false },
  ...{ totalSteps, notes: [], final: null, startedAt: 0, endedAt: null },
  ...{ ranMs: 0, runningSince: null },
})

export const nodeOf = (step: number, code: string, metric: number | null): Node => ({
  ...{ id: `node_${step}`, step, parents: [], stage: 'draft', state: 'finished', plan: '', code },
  ...{ author: 'built-in', calls: [], createdAt: 0, jobId: null, requeues: 0, run: null },
  ...{ debugDepth: 0, isPinned: false, isPruned: false },
  verdict: {
    ...{ isBuggy: metric === null, failure: metric === null ? 'exception' : null, metric },
    ...{ metricSource: 'server', reportedMetric: null, selectionMetric: null, interval: null },
    ...{ analysis: '', warnings: [], predictions: null },
  },
})

export const contextOf = (more: Partial<ProposeContext> = {}): ProposeContext => ({
  ...{ experimentId: 'exp_1', goal: '', evaluation: null, task: null, preview: null },
  ...{ journal: journalOf(), timeoutS: 60, kFold: 3, exposePrediction: false, stepsLeft: 20 },
  ...{ secondsLeft: null, packages: withSklearn, step: 1, random: randomFrom(0, 1) },
  signal: new AbortController().signal,
  ...more,
})

export interface Question {
  readonly table: string
  readonly target: string
  readonly metric?: string
  readonly name?: string
  readonly group?: string
}

/** Splits a table as an experiment does, and answers what the ladder is told and shown. */
export const arenaOf = async (question: Question) => {
  const blobs = memoryBlobs()
  const referee = createReferee({ blobs })
  const path = question.name ?? 'train.csv'
  const bytes = new TextEncoder().encode(question.table)
  const file: KeptFile = { path, ...(await blobs.put(bytes)) }
  const { task, reason } = readTask({
    ...{ goal: '', evaluation: null },
    tables: [await summariseTable(path, new Blob([bytes]).stream())],
    asked: {
      target: question.target,
      ...(question.metric !== undefined && { metric: question.metric }),
      ...(question.group !== undefined && { groupColumn: question.group }),
    },
  })
  if (!task) throw new Error(reason)
  const prepared = await referee.prepare([file], task, 0)
  const preview = await previewOf(prepared.visible, { blobs })
  return {
    task,
    context: (more: Partial<ProposeContext> = {}) => contextOf({ task, preview, ...more }),
    /** Lays out the folder that a program runs in. */
    async layOut(folder: string): Promise<string> {
      const work = await mkdtemp(join(folder, 'node-'))
      await mkdir(join(work, 'input'))
      for (const visible of prepared.visible) {
        const content = new Response(await blobs.get(visible.sha256))
        await Bun.write(join(work, 'input', visible.path), content)
      }
      return work
    },
    async judge(work: string) {
      const written = Bun.file(join(work, 'working/submission.csv'))
      const submission = (await written.exists())
        ? { path: 'working/submission.csv', ...(await blobs.put(written.stream())) }
        : null
      const { metric, problem } = await referee.judge(task, prepared, submission)
      return { metric, problem }
    },
  }
}

export type Arena = Awaited<ReturnType<typeof arenaOf>>

/** The programs that the ladder drafts, one after the other, by the model that they begin with. */
export const rungsOf = async (
  arena: { context(more?: Partial<ProposeContext>): ProposeContext },
  more: Partial<ProposeContext> = {},
): Promise<Map<string, string>> => {
  const ladder = createLadder()
  const nodes: Node[] = []
  const rungs = new Map<string, string>()
  for (let step = 1; ; step++) {
    const journal = journalOf(nodes)
    const context = arena.context({ ...more, journal, step, random: randomFrom(0, step) })
    const { code } = await ladder.propose({ kind: 'draft' }, context)
    const family = recipeOf(code)?.family
    // Nothing scored, so nothing can be improved: the last one is a model that was there before.
    if (family === undefined || rungs.has(family)) return rungs
    rungs.set(family, code)
    nodes.push(nodeOf(step, code, null))
  }
}

export const proposed = async (action: Action, context: ProposeContext): Promise<string> =>
  (await createLadder().propose(action, context)).code

export interface Ran {
  readonly output: string
  /** null: it ended well. */
  readonly error: string | null
}

/** Each in a process of its own, forked from one that has scikit-learn imported already. */
const runner = `
import contextlib, io, json, os, sys, traceback, warnings
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
import numpy, pandas, sklearn.ensemble, sklearn.linear_model, sklearn.svm
import sklearn.neural_network, sklearn.neighbors, sklearn.dummy, sklearn.compose
import sklearn.feature_extraction.text, sklearn.impute, sklearn.tree
warnings.simplefilter("ignore")

def run(folder, code):
    os.chdir(folder)
    said, error = io.StringIO(), None
    with contextlib.redirect_stdout(said):
        try:
            exec(compile(code, "solution.py", "exec"), {"__name__": "__main__"})
        except BaseException:
            error = traceback.format_exc()[-3000:]
    return {"output": said.getvalue(), "error": error}

def start(program):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(writing, "w") as pipe:
            json.dump(run(**program), pipe)
        os._exit(0)
    os.close(writing)
    return child, reading

def end(child, reading):
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"output": "", "error": "killed"}

found, running = [], []
for program in json.load(sys.stdin):
    running.append(start(program))
    if len(running) > 2:
        found.append(end(*running.pop(0)))
found += [end(*one) for one in running]
print(json.dumps(found))
`

export const runPrograms = async (
  programs: readonly { readonly folder: string; readonly code: string }[],
): Promise<Ran[]> => JSON.parse(await runPython(runner, programs)) as Ran[]

/** Runs programs, each on its arena, and answers what each of them is worth. */
export const scored = async (
  folder: string,
  entries: readonly (readonly [arena: Arena, code: string])[],
) => {
  const programs: { folder: string; code: string }[] = []
  for (const [arena, code] of entries) programs.push({ folder: await arena.layOut(folder), code })
  const ran = await runPrograms(programs)
  return Promise.all(
    ran.map(async (one, i) => ({ ...one, ...(await entries[i]![0].judge(programs[i]!.folder)) })),
  )
}
