/** The live channel of a run: each point as it is logged, and what was missed on request. */
import { type Channel, HearthError, type Live } from '../../src/sdk.ts'
import type { RunAccess } from './access.ts'
import { metricJson } from './metric-json.ts'
import { idOf } from './parameters.ts'
import type { Point, PointStore } from './points/store.ts'

const topicOf = (runId: number): string => `run/${runId}`

const messageOf = (point: Point) => ({ cursor: point.id, data: metricJson(point) })

/** Announces every stored point; its text is only written when somebody watches. */
export const publishPoints = (points: PointStore, live: Live): void =>
  points.onAppended((runId, stored) => {
    if (stored.count === 0) return
    const topic = topicOf(runId)
    if (live.needsData(topic)) live.publish(topic, Array.from(stored, messageOf))
    else live.advance(topic, stored.firstId, stored.firstId + stored.count - 1)
  })

export interface RunChannelOptions {
  readonly points: PointStore
  readonly access: RunAccess
  /** Whether runs of public projects may be watched without a login. */
  readonly publicReads: boolean
}

export const runChannel = ({ points, access, publicReads }: RunChannelOptions): Channel => ({
  path: '/ws/:run_id',
  isPublic: publicReads,
  async open({ params, who }) {
    const runId = idOf(params['run_id'], 'run_id')
    if (who) await access.readable(who, runId)
    else if (!publicReads || !(await access.isPublic(runId))) throw new HearthError('unauthorized')
    return {
      topic: topicOf(runId),
      head: () => points.head(),
      async *replay(since) {
        for await (const page of points.since(runId, since)) yield page.map(messageOf)
      },
    }
  },
})
