/** All that a plugin may import. */
export { Type } from '@sinclair/typebox'
export { t } from 'elysia'
export type { ApiKey, Auth, User } from './auth/auth.ts'
export type { Who } from './auth/who.ts'
export type { JobBytes } from './jobs/job-bytes.ts'
export type { OutcomeReason } from './jobs/outcome.ts'
export { Plan } from './jobs/plan.ts'
export type { Runner } from './jobs/runner.ts'
export { type Jobs, jobs } from './jobs/service.ts'
export type { JobView } from './jobs/view.ts'
export type { MetricBatch, MetricPoint, MetricSink, SinkJob } from './jobs/sink.ts'
export { limitDepth } from './kernel/body-depth.ts'
export type { Clock, Timer } from './kernel/clock.ts'
export { contextOf, type RequestContext } from './kernel/context.ts'
export { detailDialect, type Dialect, type Problem } from './kernel/dialect.ts'
export { download, type Download } from './kernel/download.ts'
export { type ErrorCode, HearthError, type Issue } from './kernel/errors.ts'
export type { Logger } from './kernel/log.ts'
export {
  type Contributions,
  definePlugin,
  defineService,
  type Plugin,
  type PluginContext,
  type Service,
} from './kernel/plugin.ts'
export { router } from './kernel/router.ts'
export { unionMessage } from './kernel/union-message.ts'
export type { Channel, ChannelRequest, Line, Live, LiveMessage, Subscription } from './live/live.ts'
export type { BlobInfo, Blobs } from './storage/blobs.ts'
export type {
  Database,
  DialectName,
  Queries,
  Row,
  SqlValue,
  Transaction,
} from './storage/database.ts'
export type { Migration } from './storage/migrate.ts'
export * from './storage/sql.ts'
export * as columns from './storage/columns.ts'
export { ConflictError, DiskFullError, UploadOffsetError } from './storage/errors.ts'
