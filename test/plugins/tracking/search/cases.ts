/** Six runs, what each filter finds among them and how each order puts them: for both dialects. */
import { newYear, type TrackingUnderTest } from '../fixture.ts'

interface Spec {
  readonly config?: object
  readonly tags?: readonly string[]
  readonly notes?: string
  readonly status?: string
  /** Values of each metric at step 0, 1 and so on. */
  readonly metrics?: Readonly<Record<string, readonly (number | string)[]>>
}

/** Named a, b, c ... in order of creation; created a second apart. */
const specs: readonly Spec[] = [
  {
    config: { lr: 0.1, opt: { name: 'Adam' }, amp: true },
    tags: ['demo', 'x%y'],
    metrics: { loss: [3, 1] },
  },
  {
    config: { lr: 0.01, opt: { name: 'sgd' }, amp: false },
    tags: ['demo'],
    metrics: { loss: [2], 'val/acc': [0.5] },
  },
  {
    config: { lr: '1e-3', layers: [64, 32] },
    notes: 'the BEST run',
    metrics: { loss: [1, 'NaN'] },
  },
  { config: { lr: 'auto' }, tags: ['xzy'], metrics: { loss: ['Infinity', 0] } },
  { status: 'completed', metrics: { loss: ['-Infinity'], 'a "b"': [7] } },
  { config: { lr: 0.1 }, status: 'failed', notes: 'öffentlich 100%' },
]

const loggedSecondsLater = 10

export const fill = async (app: TrackingUnderTest): Promise<number> => {
  const projectId = await app.project()
  for (const [i, { config, tags, notes, status, metrics }] of specs.entries()) {
    const name = 'abcdef'[i] as string
    const runId = await app.run({ name, config, tags, notes }, projectId)
    const series = Object.entries(metrics ?? {}).map(([metric, values]) => ({
      name: metric,
      values,
      steps: values.map((_, step) => step),
      times: values.map((_, step) => newYear * 1000 + step),
    }))
    if (series.length > 0) await app.ann('POST', `/metrics/${runId}/batch`, { series })
    app.clock.advance(1000)
    if (status) await app.ann('PUT', `/runs/${runId}`, { status })
  }
  app.clock.advance(loggedSecondsLater * 1000 - specs.length * 1000)
  return projectId
}

export const filters: [string, string][] = [
  ['', 'abcdef'],
  ['metrics.loss = 1', 'a'],
  ['metrics.loss != 1', 'bcde'],
  ['metrics.loss <= 2', 'abde'],
  ['not metrics.loss <= 2', 'c'],
  ['metrics.loss < inf', 'abde'],
  ['metrics.loss > -inf', 'abd'],
  ['metrics.loss = nan', 'c'],
  ['metrics.loss != nan', 'abde'],
  ['metrics.loss.max >= 3', 'a'],
  ['metrics.loss.min = 1', 'ac'],
  ['metrics.loss.min is null', 'f'],
  ['metrics.loss in (1, 2)', 'ab'],
  ['metrics.loss is null', 'f'],
  ['metrics.loss is not null and not metrics.loss in (1, 2)', 'cde'],
  ['metrics.val/acc = 0.5', 'b'],
  ['metrics."a ""b""" > 6.5', 'e'],
  ['metrics.absent = 1 or metrics.absent != 1 or not metrics.absent = 1', ''],
  ['params.lr = 0.1', 'af'],
  ['params.lr < 0.1', 'bc'],
  ['params.lr != 0.1', 'bcd'],
  ['params.lr = "auto"', 'd'],
  ['params.lr = "1e-3"', 'c'],
  ['params.lr in (0.01, "auto")', 'bd'],
  ['params.opt.name ~ "ADAM"', 'a'],
  ['params.opt.name = "adam"', ''],
  ['params.opt.name != "sgd"', 'a'],
  ['params.amp = true', 'a'],
  ['params.amp != true', 'b'],
  ['params.layers = "[64,32]"', 'c'],
  ['params.lr is null', 'e'],
  ['params.lr < 1e400', 'abcf'],
  ['tags contains "demo"', 'ab'],
  ['tags = "demo" and tags = "x%y"', 'a'],
  ['tags != "demo"', 'cdef'],
  ['tags ~ "X%"', 'a'],
  ['tags in ("xzy", "x%y")', 'ad'],
  ['tags is null', 'cef'],
  ['tags not in ("demo")', 'cdef'],
  ['name in ("a", "f")', 'af'],
  ['name = "a" or name = "b" and name = "c"', 'a'],
  ['(name = "a" or name = "b") and not name = "b"', 'a'],
  ['notes ~ "best"', 'c'],
  ['notes contains "100%"', 'f'],
  ['notes ~ "öff"', 'f'],
  ['notes ~ "!"', ''],
  ['notes is null', 'abde'],
  ['name ~ "_"', ''],
  ['status = "completed"', 'e'],
  ['status != "running"', 'ef'],
  ['status in ("failed", "running")', 'abcdf'],
  ['ended_at is null', 'abcd'],
  ['ended_at is not null and duration = 1', 'ef'],
  ['duration = 10', 'a'],
  ['duration > 7.5', 'abc'],
  ['created_at < "2026-01-01T00:00:02"', 'ab'],
  ['started_at = "2026-01-01T02:00:03+02:00"', 'd'],
  ['id = 1.5 or id < -1e300', ''],
  ['id < inf', 'abcdef'],
  ["name = 'a'' or 1=1 --'", ''],
  ["params.`x' or 1=1` is null", 'abcdef'],
]

/** What the order must be; equal runs by id, the newest first. */
export const orders: [string[], string][] = [
  [[], 'fedcba'],
  [['name asc'], 'abcdef'],
  [['name desc'], 'fedcba'],
  [['metrics.loss'], 'edabfc'],
  [['metrics.loss desc'], 'badefc'],
  [['metrics.loss.max desc'], 'abcdfe'],
  [['params.lr'], 'cbfade'],
  [['params.lr desc', 'name'], 'afbcde'],
  [['params.opt.name', 'id'], 'abcdef'],
  [['status', 'name desc'], 'efdcba'],
  [['duration', 'created_at desc'], 'fedcba'],
  [['ended_at desc', 'id'], 'feabcd'],
  [['notes'], 'cfedba'],
]
