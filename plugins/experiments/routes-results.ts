/** The routes by which an experiment is read in detail, and taken along. */
import { type Download, download, HearthError, router } from '../../src/sdk.ts'
import { timeOf } from './dialect.ts'
import type { Desk } from './desk.ts'
import { mimeTypeOf } from './files/names.ts'
import { bestOf } from './journal/good.ts'
import { toAide } from './journal/aide.ts'
import type { KeptFile } from './journal/node.ts'
import { nodeView } from './node-view.ts'
import { sinceOf } from './parameters.ts'
import { exportArchive } from './results/export.ts'
import type { LedgerEntry } from './ledger-entry.ts'
import { solutionOf } from './results/solution.ts'
import { treePolicy } from './tree/page.ts'

const tags = ['experiments: results']
type Who = Parameters<Desk['experiments']['get']>[0]

const file = (content: string) => ({
  responses: { 200: { description: 'The file', content: { [content]: {} } } },
})

/** A path that cannot be decoded names nothing. */
const decoded = (path: string): string | null => {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

const callView = (call: LedgerEntry) => ({ ...call, at: timeOf(call.at) })

export const resultRoutes = (desk: Desk) => {
  const open = async (who: Who, id: string) => {
    const experiment = await desk.experiments.get(who, id)
    return { experiment, journal: await desk.store.load(experiment.id) }
  }
  const nodeOf = async (who: Who, id: string, nodeId: string) => {
    const { journal } = await open(who, id)
    const node = journal.nodes.find((one) => one.id === nodeId)
    // An id that cannot be decoded comes as null.
    if (!node) throw new HearthError('not_found', `There is no node ${nodeId ?? 'of this id'}`)
    return { node, journal }
  }
  const send = (request: Request, kept: KeptFile, name = kept.path): Promise<Response> => {
    const described: Download = { ...kept, path: name, contentType: mimeTypeOf(name) }
    return download(request, described, async (range) => {
      const bytes = await desk.blobs.get(kept.sha256, range)
      if (!bytes) throw new HearthError('gone', `${name} is no longer stored`)
      return bytes
    })
  }
  const page = async ({ params, who }: { params: { id: string }; who: Who }): Promise<Response> => {
    const experiment = await desk.experiments.get(who, params.id)
    return new Response(await desk.treeOf(experiment), {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': treePolicy,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      },
    })
  }
  const text = (body: string, type: string, name: string): Response =>
    new Response(body, {
      headers: {
        'content-type': `${type}; charset=utf-8`,
        'content-disposition': `attachment; filename="${name}"`,
        'x-content-type-options': 'nosniff',
      },
    })
  return router()
    .get('/api/experiments/:id/tree.html', page, {
      detail: { tags, summary: 'The tree as a page of its own', ...file('text/html') },
    })
    .get('/api/experiments/:id/tree-visualization', page, {
      detail: { tags, summary: 'The same under another name', ...file('text/html') },
    })
    .get(
      '/api/experiments/:id/nodes/:node',
      async ({ params, who }) => {
        const { node, journal } = await nodeOf(who, params.id, params.node)
        const all = await desk.calls(params.id)
        const calls = all.filter(({ id }) => node.calls.includes(id)).map(callView)
        const artifacts = node.run?.artifacts.map(({ path, sizeBytes }) => ({
          path,
          size: sizeBytes,
        }))
        return { ...nodeView(node, journal), calls, artifacts: artifacts ?? [] }
      },
      { detail: { tags, summary: 'Everything about one node' } },
    )
    .get(
      '/api/experiments/:id/nodes/:node/artifacts/*',
      async ({ params, who, request }) => {
        const { node } = await nodeOf(who, params.id, params.node)
        const path = decoded(params['*'])
        const found = node.run?.artifacts.find((one) => one.path === path)
        if (!found) throw new HearthError('not_found', 'The node left no such file')
        return send(request, found)
      },
      {
        detail: {
          tags,
          summary: 'A file that a program left',
          ...file('application/octet-stream'),
        },
      },
    )
    .get(
      '/api/experiments/:id/solution.py',
      async ({ params, who }) => {
        const { experiment, journal } = await open(who, params.id)
        const best = bestOf(journal)
        if (!best) {
          const isOver = experiment.status === 'completed'
          throw new HearthError('not_found', `There is no solution${isOver ? '' : ' yet'}`)
        }
        return text(solutionOf(best, journal, experiment.task), 'text/x-python', 'solution.py')
      },
      { detail: { tags, summary: 'The best program', ...file('text/x-python') } },
    )
    .get(
      '/api/experiments/:id/report',
      async ({ params, who, request }) => {
        const { journal } = await open(who, params.id)
        const report = journal.final?.report
        if (!report) throw new HearthError('not_found', 'There is no report: it has not completed')
        return send(request, report)
      },
      { detail: { tags, summary: 'The report, as Markdown', ...file('text/markdown') } },
    )
    .get(
      '/api/experiments/:id/journal',
      async ({ params, who }) => {
        const { journal } = await open(who, params.id)
        return text(JSON.stringify(toAide(journal), null, 2), 'application/json', 'journal.json')
      },
      { detail: { tags, summary: "The journal as AIDE's journal.json, version 2" } },
    )
    .get(
      '/api/experiments/:id/events',
      async ({ params, query, who }) => {
        const { id } = await desk.experiments.get(who, params.id)
        const since = sinceOf(query)
        const events = await desk.store.read(id, since)
        return { events: events.map(({ seq, at, event }) => ({ seq, at: timeOf(at), ...event })) }
      },
      {
        detail: {
          tags,
          summary: 'All that happened, in order',
          parameters: [
            { name: 'since', in: 'query', required: false, schema: { type: 'integer' } },
          ],
        },
      },
    )
    .get(
      '/api/experiments/:id/calls',
      async ({ params, who }) => {
        const { id } = await desk.experiments.get(who, params.id)
        const calls = await desk.calls(id)
        const sum = (of: (one: (typeof calls)[number]) => number | null) =>
          calls.reduce((total, one) => total + (of(one) ?? 0), 0)
        return {
          calls: calls.map(callView),
          inputTokens: sum((one) => one.inputTokens),
          outputTokens: sum((one) => one.outputTokens),
          usd: sum((one) => one.usd),
        }
      },
      { detail: { tags, summary: 'Calls to language models: prompts, replies, tokens, cost' } },
    )
    .get(
      '/api/experiments/:id/export',
      async ({ params, who }) => {
        const { experiment, journal } = await open(who, params.id)
        const archive = exportArchive({
          blobs: desk.blobs,
          experiment,
          journal,
          inputs: await desk.experiments.inputs(experiment.id),
          aideJournal: toAide(journal),
          packages: await desk.packages(who, experiment),
        })
        return new Response(archive, {
          headers: {
            'content-type': 'application/zip',
            'content-disposition': `attachment; filename="${experiment.id}.zip"`,
            'x-content-type-options': 'nosniff',
          },
        })
      },
      {
        detail: {
          tags,
          summary: 'Everything to run the solution elsewhere, as a zip',
          ...file('application/zip'),
        },
      },
    )
}
