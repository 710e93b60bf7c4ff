/** Paths of artifacts are safe to write below a folder, whoever downloads them. */
import { expect, test } from 'bun:test'
import { artifactPath, requestedPath } from '../../../../plugins/tracking/artifacts/paths.ts'
import { contentTypeOf, digestOf } from '../../../../plugins/tracking/artifacts/upload.ts'

test.each([
  ['a'],
  ['model/weights.bin'],
  ['..a/b../...'],
  ['größe/λ 🎈.txt'],
  ['~/$HOME;rm -rf'],
  ['a'.repeat(1024)],
])('%s is a path', (path) => {
  expect(artifactPath(path)).toBe(path)
})

test('equal looking names are one name', () => {
  expect(artifactPath('gro\u0308\u00dfe')).toBe('gr\u00f6\u00dfe')
})

test.each([
  ['', 'must not be empty'],
  ['/etc/passwd', 'must not begin with a slash'],
  ['a//b', 'must not begin with a slash or hold two in a row'],
  ['..', 'must not hold . or ..'],
  ['a/../b', 'must not hold . or ..'],
  ['./a', 'must not hold . or ..'],
  ['a\\..\\b', 'backslashes'],
  ['C:\\x', 'backslashes'],
  ['a\nb', 'control characters'],
  ['a\0b', 'control characters'],
  ['a\u009bb', 'control characters'],
  ['\ud800', 'well-formed'],
  ['ö'.repeat(513), 'must fit into 1024 bytes'],
])('%j is refused', (path, problem) => {
  expect(() => artifactPath(path)).toThrow(problem)
})

test.each([
  ['/runs/1/artifacts', ''],
  ['/runs/1/artifacts/', ''],
  ['/runs/1/artifacts/a/b', 'a/b'],
  ['/runs/1/artifacts/a%2Fb%20c/', 'a/b c'],
  ['/runs/1/artifacts/..%2F..%2Fx?y=1', '../../x'],
  ['/runs/1/artifacts/a/artifacts/b', 'a/artifacts/b'],
  ['/runs/1/uploads/a%25', 'a%'],
])('%s names %j', (url, path) => {
  expect(requestedPath(new Request(`http://localhost${url}`))).toBe(path)
})

test('a broken encoding is refused', () => {
  const request = new Request('http://localhost/runs/1/artifacts/a%ff')
  expect(() => requestedPath(request)).toThrow('broken percent encoding')
})

const withHeaders = (headers: Record<string, string>): Request =>
  new Request('http://localhost/', { headers })

const hex = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
const base64 = 'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg='

test.each([
  [{}, undefined],
  [{ digest: `sha-256=${base64}` }, hex],
  [{ digest: `MD5=x, SHA-256=${base64}` }, hex],
  [{ 'content-digest': `sha-256=:${base64}:` }, hex],
])('the digest in %j', (headers, digest) => {
  expect(digestOf(withHeaders(headers))).toBe(digest)
})

test.each([{ digest: 'md5=x' }, { digest: 'sha-256=short' }, { 'content-digest': '' }])(
  'no digest in %j',
  (headers) => {
    expect(() => digestOf(withHeaders(headers))).toThrow('must hold sha-256=')
  },
)

test.each([
  ['image/png', 'image/png'],
  ['text/html; charset=utf-8', 'text/html; charset=utf-8'],
  ['nonsense', 'application/octet-stream'],
  [`a/${'b'.repeat(300)}`, 'application/octet-stream'],
])('content type %s', (sent, kept) => {
  expect(contentTypeOf(withHeaders({ 'content-type': sent }))).toBe(kept)
})
