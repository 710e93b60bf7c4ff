/** A client that logs until its points are acknowledged, as the Python client does. */

export interface WriterOptions {
  /** Asked before each try: a server that was started again may be elsewhere. */
  readonly origin: () => string
  readonly token: string
  readonly runId: number
  readonly name: string
  readonly pointsPerBatch: number
}

export interface Writer {
  /** Batches that the server said it has. */
  readonly acknowledged: number
  /** Tries that ended without a reply, or with a reply that asks to come again. */
  readonly retries: number
  /** Finishes the batch in hand, however many tries it takes. */
  finish(): Promise<void>
}

/** Batch k holds the steps `k * pointsPerBatch ..`, with values equal to the steps. */
export const startWriter = (options: WriterOptions): Writer => {
  const state = { acknowledged: 0, retries: 0, stopping: false }
  const work = async () => {
    while (!state.stopping) {
      while (!(await logBatch(options, state.acknowledged))) {
        state.retries++
        // Nobody listens while the server is down; do not spin meanwhile.
        await Bun.sleep(5)
      }
      state.acknowledged++
    }
  }
  const done = work()
  // A refusal fails the test when it finishes; until then it is not an unhandled rejection.
  done.catch(() => {})
  return {
    get acknowledged() {
      return state.acknowledged
    },
    get retries() {
      return state.retries
    },
    async finish() {
      state.stopping = true
      await done
    },
  }
}

/** Answers whether the batch was acknowledged. @throws when the server refuses it for good */
const logBatch = async (options: WriterOptions, index: number): Promise<boolean> => {
  const { origin, token, runId, name, pointsPerBatch } = options
  const steps = Array.from({ length: pointsPerBatch }, (_, i) => index * pointsPerBatch + i)
  const reply = await post(origin(), token, `/metrics/${runId}/batch`, {
    series: [{ name, values: steps, steps }],
    batch_id: `${name}/${index}`,
  })
  if (!reply || reply.status >= 500) return false
  if (reply.status !== 200) throw new Error(`${reply.status} ${reply.body}`)
  return true
}

export interface Reply {
  readonly status: number
  readonly body: string
}

/** Answers undefined when no whole reply came. Every call has a connection of its own. */
export const post = async (
  origin: string,
  token: string,
  path: string,
  body: unknown,
): Promise<Reply | undefined> => {
  try {
    const reply = await fetch(origin + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        connection: 'close',
      },
      body: JSON.stringify(body),
    })
    return { status: reply.status, body: await reply.text() }
  } catch {
    return undefined
  }
}
