/** Shows a job live until it has ended: what it prints, where it stands, how far it is. */
import type { JobView } from '../jobs/view.ts'
import { follow, type FollowOptions, type News, type Progress } from './follow.ts'
import type { Context } from './client-verb.ts'
import { progressBar, progressLine, ProgressSteps } from './progress.ts'
import type { Screen } from './screen.ts'
import { colourOf, endingOf, shortId, standingOf } from './wording.ts'

const terminal = ['succeeded', 'failed', 'cancelled']

export interface WatchOptions {
  readonly query: FollowOptions['query']
  readonly signal?: AbortSignal
  /** Tells how the job gets on, not only what it prints. */
  readonly isTalkative: boolean
}

/** Answers the job as it ended. */
export const watchJob = async (
  jobId: string,
  { query, signal, isTalkative }: WatchOptions,
  { api, output }: Context,
  screen: Screen,
): Promise<JobView | undefined> => {
  const teller = new Teller(jobId, screen, isTalkative)
  const news = follow(api, jobId, {
    ...(query && { query }),
    ...(signal && { signal }),
    onLost: () => screen.note('The connection to the server is lost; the job is not. Waiting.'),
    onBack: () => screen.note('Connected again.'),
  })
  try {
    for await (const item of news) {
      if (output.json) await output.record(recordOf(jobId, item))
      else if (item.type === 'log') await screen.log(item.log.text)
      else teller.tell(item)
      if (item.type === 'state') teller.job = item.job
    }
  } finally {
    screen.close()
  }
  return teller.job
}

const recordOf = (id: string, news: News): object => {
  switch (news.type) {
    case 'log':
      return { type: 'log', id, ...news.log }
    case 'progress':
      return { type: 'progress', id, ...news.progress }
    case 'state':
      return { type: 'state', id, job: news.job }
    case 'end':
      return { type: 'end', id }
  }
}

/** Words the changes of a job, each once: after a lost connection a state is told again. */
class Teller {
  job: JobView | undefined
  readonly #jobId: string
  readonly #screen: Screen
  readonly #isTalkative: boolean
  readonly #steps = new ProgressSteps()
  #said = ''
  #progress: Progress | undefined
  #attempt = 1

  constructor(jobId: string, screen: Screen, isTalkative: boolean) {
    this.#jobId = jobId
    this.#screen = screen
    this.#isTalkative = isTalkative
  }

  tell(news: Exclude<News, { type: 'log' }>): void {
    if (!this.#isTalkative || news.type === 'end') return
    if (news.type === 'progress') this.#tellProgress(news.progress)
    else this.#tellState(news.job)
  }

  #tellState(job: JobView): void {
    if (job.attempt > this.#attempt && this.#attempt > 0) {
      this.#screen.note(`attempt ${job.attempt}`)
      this.#attempt = job.attempt
      this.#progress = undefined
    }
    if (terminal.includes(job.state)) return
    const standing = standingOf(job)
    if (standing === this.#said) return
    this.#said = standing
    // On a terminal the line below says it; what a person must act on is said to stay.
    const mustStay = job.state === 'paused' || job.state === 'lost'
    if (!this.#screen.isLive || mustStay) this.#screen.note(`${shortId(this.#jobId)} ${standing}`)
    this.#show()
  }

  #tellProgress(progress: Progress): void {
    this.#progress = progress
    if (!this.#screen.isLive && this.#steps.isDue(progress)) {
      this.#screen.note(`${shortId(this.#jobId)} ${progressLine(progress)}`)
    }
    this.#show()
  }

  #show(): void {
    const bar = this.#progress === undefined ? '' : `  ${progressBar(this.#progress)}`
    this.#screen.show(`${shortId(this.#jobId)} ${this.#said}${bar}`)
  }
}

/** The last line about a job, in its colour. */
export const tellEnd = (job: JobView, { output }: Context, screen: Screen): void => {
  const colour = colourOf(output.style, job.state)
  screen.note(`${shortId(job.id)} ${colour(endingOf(job))}`)
}
