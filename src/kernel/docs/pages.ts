/** The documentation pages, whole: every asset comes from this server, none from the internet. */
import redocScript from 'redoc/bundles/redoc.standalone.js' with { type: 'file' }
import swaggerScript from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' }
import swaggerStyle from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' }
import type { KernelRoute } from '../dispatch.ts'

/** Assets carry the versions of their libraries' in the lock file; a day of caching is safe. */
const assetHeaders = { 'cache-control': 'public, max-age=86400' }

/** Scripts and connections of these pages never leave this server, whatever a library tries. */
const policy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "worker-src 'self' blob:",
  "frame-ancestors 'none'",
].join('; ')

export const pageRoutes = (): Map<string, KernelRoute> => {
  const interactive = page(
    'Hearth API',
    `<link rel="stylesheet" href="/docs/assets/swagger-ui.css"><div id="page"></div>
<script src="/docs/assets/swagger-ui.js"></script><script src="/docs/assets/start.js"></script>`,
  )
  const reference = page(
    'Hearth API reference',
    `<redoc spec-url="/openapi.json" disable-telemetry="true"></redoc>
<script src="/docs/assets/redoc.js"></script>`,
  )
  return new Map<string, KernelRoute>([
    ['/docs', interactive],
    ['/api/docs', interactive],
    ['/redoc', reference],
    ['/api/redoc', reference],
    ['/docs/assets/swagger-ui.js', asset(swaggerScript, 'text/javascript')],
    ['/docs/assets/swagger-ui.css', asset(swaggerStyle, 'text/css')],
    ['/docs/assets/redoc.js', asset(redocScript, 'text/javascript')],
    ['/docs/assets/start.js', () => text(startScript, 'text/javascript')],
  ])
}

const startScript = `SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#page', deepLinking: true, persistAuthorization: true,
  validatorUrl: null, tryItOutEnabled: true,
})`

const page =
  (title: string, body: string): KernelRoute =>
  () =>
    text(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
</head><body style="margin:0">${body}</body></html>`,
      'text/html',
      { 'content-security-policy': policy },
    )

const asset =
  (path: unknown, type: string): KernelRoute =>
  () =>
    new Response(Bun.file(path as string), {
      headers: { ...assetHeaders, 'content-type': `${type}; charset=utf-8` },
    })

const text = (body: string, type: string, headers: Record<string, string> = {}): Response =>
  new Response(body, { headers: { ...headers, 'content-type': `${type}; charset=utf-8` } })
