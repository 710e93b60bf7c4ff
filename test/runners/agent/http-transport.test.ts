/** How an agent reaches its server: through proxies, never past a certificate it distrusts. */
import { expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { httpTransport, proxyFor } from '../../../runners/agent/http-transport.ts'

test.each([
  ['http://h:8000', {}, null],
  ['http://h:8000', { HTTP_PROXY: 'http://p:3128' }, 'http://p:3128'],
  ['http://h:8000', { HTTPS_PROXY: 'http://p:3128' }, null],
  ['https://h', { HTTPS_PROXY: 'p:3128' }, 'http://p:3128'],
  ['https://h', { HTTPS_PROXY: 'http://a', https_proxy: 'http://b' }, 'http://b'],
  ['https://h', { HTTPS_PROXY: 'http://p', NO_PROXY: '*' }, null],
  ['https://a.example.com', { HTTPS_PROXY: 'http://p', NO_PROXY: 'x, example.com' }, null],
  ['https://a.example.com', { HTTPS_PROXY: 'http://p', NO_PROXY: '.example.com' }, null],
  ['https://badexample.com', { HTTPS_PROXY: 'http://p', NO_PROXY: 'example.com' }, 'http://p'],
  ['https://h', { HTTPS_PROXY: 'http://p', NO_PROXY: 'h:443' }, null],
  ['https://h:8443', { HTTPS_PROXY: 'http://p', NO_PROXY: 'h:443' }, 'http://p'],
])('%s with %j goes through %s', (server, env, expected) => {
  expect(proxyFor(new URL(server), env)).toBe(expected)
})

test('requests go through the proxy, to a server under a prefix', async () => {
  const seen: string[] = []
  await using proxy = Bun.serve({
    port: 0,
    fetch(request) {
      seen.push(`${request.url} ${request.headers.get('authorization')}`)
      return Response.json({ ok: true })
    },
  })
  const transport = httpTransport({
    server: 'http://hearth.invalid/team/',
    env: { HTTP_PROXY: proxy.url.origin },
  })
  const reply = await transport('/api/agents/sync', {
    method: 'POST',
    headers: { authorization: 'Bearer hnode_1' },
  })
  expect([await reply.json(), seen]).toEqual([
    { ok: true },
    ['http://hearth.invalid/team/api/agents/sync Bearer hnode_1'],
  ])
})

/** Certificates that expire do not belong into a repository. */
const makeCertificate = (folder: string) => {
  const paths = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
  const made = Bun.spawnSync([
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    ...[
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    ],
    ...['-keyout', paths.key, '-out', paths.cert],
  ])
  if (made.exitCode !== 0) throw new Error(made.stderr.toString())
  return { ...paths, tls: { key: readFileSync(paths.key), cert: readFileSync(paths.cert) } }
}

/** As a person does it who has switched verification off for every program that asks. */
const askUnverified = async (server: string): Promise<string> => {
  const file = join(import.meta.dir, '../../../runners/agent/http-transport.ts')
  const script = `const { httpTransport } = await import(${JSON.stringify(file)})
    const transport = httpTransport({ server: ${JSON.stringify(server)}, env: {} })
    const ask = () => transport('/', {}).then((reply) => reply.text())
    process.stdout.write(await ask().catch((error) => error.constructor.name))`
  const child = Bun.spawn([process.execPath, '-e', script], {
    env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    stdout: 'pipe',
    stderr: 'ignore',
  })
  return new Response(child.stdout).text()
}

test('a private authority is trusted when it is named, and only then; tunnels too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-tls-'))
  const { cert, tls } = makeCertificate(folder)
  await using secure = Bun.serve({ port: 0, tls, fetch: () => new Response('secret') })
  const tunnels: string[] = []
  const proxy = createServer((client) => {
    client.once('data', (head) => {
      tunnels.push(head.toString().split('\r\n')[0] ?? '')
      void Bun.connect({
        hostname: 'localhost',
        port: secure.port ?? 0,
        socket: {
          open: (server) => {
            client.on('data', (bytes) => server.write(bytes))
            client.on('close', () => server.end())
            client.write('HTTP/1.1 200 Connection established\r\n\r\n')
          },
          data: (_, bytes) => void client.write(bytes),
          close: () => void client.end(),
        },
      })
    })
    client.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const address = proxy.address() as { port: number }
  const server = `https://localhost:${secure.port}`
  const ask = (options: { caFile?: string; env?: Record<string, string> }) =>
    httpTransport({ server, env: {}, ...options })('/', {}).then(
      (reply) => reply.text(),
      (error: Error) => error.constructor.name,
    )
  try {
    const env = { HTTPS_PROXY: `http://127.0.0.1:${address.port}` }
    expect([
      await ask({ caFile: cert }),
      await ask({}),
      await askUnverified(server),
      await ask({ caFile: cert, env }),
      tunnels,
    ]).toEqual([
      'secret',
      'TypeError',
      'TypeError',
      'secret',
      [`CONNECT localhost:${secure.port} HTTP/1.1`],
    ])
  } finally {
    proxy.close()
    rmSync(folder, { recursive: true })
  }
})

test('a redirect is not followed: the credential is for one server', async () => {
  let asked = 0
  await using other = Bun.serve({ port: 0, fetch: () => new Response(String(++asked)) })
  const location = other.url.href
  await using server = Bun.serve({
    port: 0,
    fetch: () => new Response(null, { status: 307, headers: { location } }),
  })
  const transport = httpTransport({ server: server.url.origin, env: {} })
  await expect(transport('/', {})).rejects.toThrow()
  expect(asked).toBe(0)
})
