/** The tree as one page that needs nothing else: no server, no network, nothing to trust. */
import type { NodeView } from '../node-view.ts'
import { changesBetween } from './changes.ts'
import { placesOf } from './layout.ts'
import script from './page.js.txt' with { type: 'text' }
import style from './page.css' with { type: 'text' }

/** A model call of the ledger, as far as readers of the page want to know of it. */
export interface TreeCall {
  readonly id: string
  readonly role: string
  readonly model: string
  readonly prompt: string
  readonly reply: string
  readonly tokens: number | null
  readonly usd: number | null
  readonly latencyMs: number | null
}

export interface TreeData {
  readonly experimentId: string
  readonly name: string
  readonly goal: string
  readonly status: string
  readonly totalSteps: number
  readonly maximize: boolean | null
  /** Name of the metric; null: whatever the programs report. */
  readonly metric: string | null
  readonly best: string | null
  /** How the choice was made; null while it runs. */
  readonly explanation: string | null
  readonly nodes: readonly NodeView[]
  readonly calls: readonly TreeCall[]
  /** Cursor of the last message that is in here, for `?live=1`. */
  readonly cursor: number
}

/** Of one text; the rest is to be had over REST. */
const maxTextChars = 20_000

export const treePage = (data: TreeData): string => {
  const places = placesOf(data.nodes)
  const byId = new Map(data.nodes.map((node) => [node.id, node]))
  const nodes = data.nodes.map((node) => {
    const parent = node.parentId === null ? undefined : byId.get(node.parentId)
    return {
      ...node,
      ...places.get(node.id),
      termOut: [cut(node.termOut.join(''))],
      changes: parent ? changesBetween(parent.code, node.code) : null,
    }
  })
  const calls = data.calls.map((call) => ({
    ...call,
    prompt: cut(call.prompt),
    reply: cut(call.reply),
  }))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(data.name)} - search tree</title>
<style>${style}</style>
</head>
<body>
<noscript>This page draws the tree with a script of its own; scripts are turned off here.</noscript>
<script type="application/json" id="data">${safeJson({ ...data, nodes, calls })}</script>
<script>${script}</script>
</body>
</html>
`
}

const hashOf = (text: string): string =>
  `'sha256-${new Bun.CryptoHasher('sha256').update(text).digest('base64')}'`

/** Only this page's own script and style run; the one connection is for `?live=1`. */
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

/** For the `Content-Security-Policy` header of the reply that carries the page. */
export const treePolicy = `${policy}; frame-ancestors 'self'`

/** JSON that no HTML parser takes for the end of its script, or for anything else. */
export const safeJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => entities[char] as string)

const cut = (text: string): string => {
  if (text.length <= maxTextChars) return text
  const half = maxTextChars / 2
  const left = text.length - maxTextChars
  return `${text.slice(0, half)}\n ... [${left} characters left out] ...\n${text.slice(-half)}`
}
